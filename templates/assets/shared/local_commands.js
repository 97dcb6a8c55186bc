// @ts-check
/** The commands for the user's computer. @module */

import { loginCommands } from "./login_commands.js";
import { quoteSh } from "./quote.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices, System } from "./choices.js"
 * @import { Block } from "./job_commands.js"
 */

/**
 * The commands that download wsproxy or tunnel.
 *
 * @param {Pick<Site, "http">} site
 * @param {System} computer
 * @param {"wsproxy" | "tunnel"} program
 * @returns {Block}
 */
function fetchBlock(site, computer, program) {
  const base = `${site.http}/static/`;
  if (computer === "windows") {
    return {
      title: `Once: download ${program} to this directory or one on your PATH`,
      text: `curl.exe -fsSL -o ${program}.exe "${base}${program}.exe"`,
    };
  }
  const name = computer === "linux" ? program : `${program}-${computer}`;
  const text = [
    "mkdir -p ~/.local/bin",
    `curl -fsSL -o ~/.local/bin/${program} ${quoteSh(base + name)}`,
    `chmod 755 ~/.local/bin/${program}`,
    'export PATH="$HOME/.local/bin:$PATH"',
  ];
  return { title: `Once: download ${program}`, text: text.join("\n") };
}

/**
 * The command that adds a host key to a person's own known_hosts.
 *
 * @param {System} computer
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
 * The commands, in the order to run them.
 *
 * @param {Pick<Site, "http" | "ws" | "username">} site
 * @param {Choices} choices
 * @returns {Block[]}
 */
export function localCommands(site, { id: chosenId, hostKey, computer, local }) {
  const id = chosenId === "" ? "ID" : chosenId;
  const { writeHostKey, ssh, sftp, tunnel } = loginCommands({
    username: site.username,
    url: `${site.ws}/client/${id}`,
    alias: id,
    hostKey: hostKey === "" ? undefined : hostKey,
    bridge: local === "websocat" ? "websocat --binary" : undefined,
  }, computer === "windows" ? "windows" : "posix");
  const pin = writeHostKey === undefined
    ? []
    : [{ title: "Once: save the host key to this directory", text: writeHostKey }];
  if (local === "tunnel") {
    return [
      fetchBlock(site, computer, "tunnel"),
      ...pin,
      { title: "In one terminal: the tunnel; keep it running", text: tunnel.tunnel },
      { title: "In another terminal: a shell", text: tunnel.ssh },
      { title: "In another terminal: files", text: tunnel.sftp },
    ];
  }
  if (local === "setup") {
    const { title, text } = fetchBlock(site, computer, "wsproxy");
    const program = computer === "windows" ? ".\\wsproxy" : "wsproxy";
    const url = computer === "windows" ? `"${site.http}"` : quoteSh(site.http);
    return [
      { title: `${title}, and set up this server`, text: `${text}\n${program} setup ${url}` },
      ...(hostKey === ""
        ? []
        : [{ title: "Once: pin the host key", text: pinCommand(computer, id, hostKey) }]),
      { title: "A shell", text: `ssh ${id}.converge` },
      { title: "Files", text: `sftp ${id}.converge` },
    ];
  }
  return [
    ...(local === "wsproxy" ? [fetchBlock(site, computer, "wsproxy")] : []),
    ...pin,
    { title: "A shell", text: ssh },
    { title: "Files", text: sftp },
  ];
}

/**
 * Notes on these commands, a sentence each.
 *
 * @param {Choices} choices
 * @returns {string[]}
 */
export function localNotes({ id, hostKey, local }) {
  const once = local === "setup" ? "once about each new host key" : "each time about the host key";
  return [
    id === "" ? "Replace ID with the ID in the job's log." : "",
    hostKey === ""
      ? `Each run of a job has a new host key. ssh asks ${once}: compare the fingerprint with the one in the job's log. With the command in the log, which names the key, ssh asks nothing.`
      : "ssh accepts this host key only, and asks nothing.",
    local === "websocat" ? "Any tool that connects stdin and stdout to a websocket works." : "",
  ].filter((note) => note !== "");
}
