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
 * The commands, in the order to run them.
 *
 * @param {Pick<Site, "http" | "ws" | "username">} site
 * @param {Choices} choices
 * @returns {Block[]}
 */
export function localCommands(site, { id: chosenId, computer, local }) {
  const id = chosenId === "" ? "ID" : chosenId;
  const { ssh, sftp, tunnel, sshConfig } = loginCommands({
    username: site.username,
    url: `${site.ws}/client/${id}`,
    alias: id,
    bridge: local === "websocat" ? "websocat --binary" : undefined,
  }, computer === "windows" ? "windows" : "posix");
  if (local === "tunnel") {
    return [
      fetchBlock(site, computer, "tunnel"),
      { title: "In one terminal: the tunnel; keep it running", text: tunnel.tunnel },
      { title: "In another terminal: a shell", text: tunnel.ssh },
      { title: "In another terminal: files", text: tunnel.sftp },
    ];
  }
  if (local === "config") {
    return [
      fetchBlock(site, computer, "wsproxy"),
      { title: "Add to the file .ssh/config in your home directory", text: sshConfig.join("\n") },
      { title: "A shell", text: `ssh ${id}` },
      { title: "Files", text: `sftp ${id}` },
    ];
  }
  return [
    ...(local === "wsproxy" ? [fetchBlock(site, computer, "wsproxy")] : []),
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
export function localNotes({ id, local }) {
  return [
    id === "" ? "Replace ID with the ID in the job's log." : "",
    "Each agent has a new host key, so ssh asks whether to trust it: compare the fingerprint with the one in the job's log. With the commands in the log, which name the key, ssh asks nothing.",
    local === "websocat" ? "Any tool that connects stdin and stdout to a websocket works." : "",
  ].filter((note) => note !== "");
}
