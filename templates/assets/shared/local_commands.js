// @ts-check
/** What the person types on their own computer. @module */

import { loginCommands } from "./login_commands.js";
import { quoteSh } from "./quote.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices, System } from "./choices.js"
 * @import { Block } from "./job_commands.js"
 */

/**
 * How to get one of our programs, in a shell of the person's computer.
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
      title: `Once: download ${program} into this directory, or one on your PATH`,
      text: `curl.exe -o ${program}.exe "${base}${program}.exe"`,
    };
  }
  const name = computer === "linux" ? program : `${program}-${computer}`;
  const text = [
    "mkdir -p ~/.local/bin",
    `curl ${quoteSh(base + name)} > ~/.local/bin/${program}`,
    `chmod 755 ~/.local/bin/${program}`,
    'export PATH="$HOME/.local/bin:$PATH"',
  ];
  return { title: `Once: download ${program}`, text: text.join("\n") };
}

/**
 * What to type, in this order.
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
      { title: "In a terminal that stays open: the tunnel", text: tunnel.tunnel },
      { title: "In another: a shell", text: tunnel.ssh },
      { title: "In another: files", text: tunnel.sftp },
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
 * What to know about these commands, a sentence each.
 *
 * @param {Choices} choices
 * @returns {string[]}
 */
export function localNotes({ id, local }) {
  return [
    id === "" ? "Write the ID from the job's log in place of ID." : "",
    "Each agent has a fresh host key, so ssh asks whether to trust it: compare the fingerprint with the one in the job's log. The log also has commands that name the key, with which ssh asks nothing.",
    local === "websocat" ? "Any tool that connects stdin and stdout to a websocket will do." : "",
  ].filter((note) => note !== "");
}
