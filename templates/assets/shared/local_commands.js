// @ts-check
/** The commands for the user's computer. @module */

import { ANY_ID, loginCommands } from "./login_commands.js";
import { quoteSh } from "./quote.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices, Computer } from "./choices.js"
 * @import { Block } from "./job_commands.js"
 * @import { LoginCommands } from "./login_commands.js"
 */

/** @typedef {Pick<Site, "http" | "ws" | "username" | "jump">} Server */

/**
 * The commands that download wsproxy or tunnel.
 *
 * @param {Server} site
 * @param {Computer} computer
 * @param {"wsproxy" | "tunnel"} program
 * @returns {string[]} lines
 */
function download({ http }, computer, program) {
  if (computer === "windows") {
    return [`curl.exe -fsSL -o ${program}.exe "${http}/static/${program}.exe"`];
  }
  return [
    `curl -fsSL ${quoteSh(`${http}/install.sh`)} | sh -s -- ${program} ~/.local/bin`,
    'export PATH="$HOME/.local/bin:$PATH"',
  ];
}

/**
 * The command that adds a host key to a person's own known_hosts.
 *
 * @param {Computer} computer
 * @param {string} id
 * @param {string} hostKey
 * @returns {string}
 */
function pinCommand(computer, id, hostKey) {
  const line = `${id}.converge ${hostKey}`;
  return computer === "windows"
    // The redirection comes first: cmd reads a digit before it as a handle.
    ? `cmd /c ">>%USERPROFILE%\\.ssh\\known_hosts echo ${line}"`
    : `echo ${quoteSh(line)} >> ~/.ssh/known_hosts`;
}

/**
 * The address of a jump host, as ssh takes it.
 *
 * @param {Pick<Site, "http" | "jump">} site
 * @returns {string | undefined}
 */
export function jumpAddress({ http, jump }) {
  return jump && `${new URL(http).hostname}:${jump.port}`;
}

/**
 * @param {Server} site
 * @param {Choices} choices
 * @param {string} [bridge] in place of wsproxy
 * @returns {LoginCommands}
 */
function login(site, { id: chosen, hostKey, computer }, bridge) {
  const id = chosen || ANY_ID;
  return loginCommands({
    username: site.username,
    url: `${site.ws}/client/${id}`,
    alias: id,
    hostKey: hostKey || undefined,
    bridge,
    jump: jumpAddress(site),
  }, computer);
}

/**
 * The short ways: the commands, in the order to run them.
 *
 * @param {Server} site
 * @param {Choices} choices
 * @returns {Block[]}
 */
export function localCommands(site, choices) {
  const { hostKey, computer } = choices;
  const id = choices.id || ANY_ID;
  const setup = computer === "windows"
    ? [...download(site, computer, "wsproxy"), `.\\wsproxy setup "${site.http}"`]
    : [`curl -fsSL ${quoteSh(`${site.http}/install.sh`)} | sh -s -- setup`];
  if (hostKey !== "") setup.push(pinCommand(computer, id, hostKey));
  const { writeHostKey, jump } = login(site, choices);
  return [
    {
      title: "On your computer, once: install wsproxy and set up this server",
      text: setup.join("\n"),
    },
    { title: "On your computer: a shell", text: `ssh ${id}.converge` },
    ...(jump === undefined ? [] : [{
      title: "Or with nothing installed",
      text: [...(writeHostKey ? [writeHostKey] : []), jump.ssh].join("\n"),
    }]),
  ];
}

/**
 * The other ways, for those who want no setup or have a program without a proxy command.
 *
 * @param {Server} site
 * @param {Choices} choices
 * @returns {Block[]}
 */
export function otherLocalCommands(site, choices) {
  const { computer } = choices;
  const { writeHostKey, ssh, sftp, tunnel } = login(site, choices);
  return [
    ...(writeHostKey === undefined
      ? []
      : [{ title: "Once: save the host key to this directory", text: writeHostKey }]),
    { title: "Once: download wsproxy", text: download(site, computer, "wsproxy").join("\n") },
    { title: "A shell, by wsproxy", text: ssh },
    { title: "Files, by wsproxy", text: sftp },
    { title: "Once: download tunnel", text: download(site, computer, "tunnel").join("\n") },
    { title: "The tunnel; keep it running", text: tunnel.tunnel },
    { title: "A shell, by the tunnel", text: tunnel.ssh },
    { title: "Files, by the tunnel", text: tunnel.sftp },
    { title: "A shell, by websocat", text: login(site, choices, "websocat --binary").ssh },
  ];
}

/**
 * Notes on the short ways, a sentence each.
 *
 * @param {Pick<Site, "jump">} site
 * @param {Choices} choices
 * @returns {string[]}
 */
export function localNotes({ jump }, { id, hostKey }) {
  return [
    id === "" ? "Replace ID with the ID in the job's log." : "",
    "sftp, scp, rsync, git and editors take the same name.",
    hostKey === ""
      ? "ssh asks about each new host key: compare the fingerprint with the one in the job's log, whose own command names the key and asks nothing."
      : "ssh accepts this host key only, and asks nothing.",
    jump === undefined ? "" : `The jump host's own key is ${jump.fingerprint}.`,
  ].filter((note) => note !== "");
}
