// @ts-check
/** What the person types on their own computer. @module */

import { quoteSh } from "./quote.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices, System } from "./choices.js"
 * @import { Block } from "./job_commands.js"
 */

/** The local port that the tunnel opens. */
const PORT = 10000;

/**
 * One argument on the person's computer. On Windows it is in double quotes, which both cmd and
 * PowerShell read; PowerShell tears apart what begins with a hyphen and holds a dot.
 *
 * @param {System} computer
 * @param {string} option for instance `-oUser=`
 * @param {string} value
 * @returns {string}
 */
function argument(computer, option, value) {
  if (computer !== "windows") return option + quoteSh(value);
  return /^[\w@:/-]+$/.test(option + value) ? option + value : `"${option}${value}"`;
}

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
      text: `curl.exe -o ${program}.exe ${argument(computer, "", `${base}${program}.exe`)}`,
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
  const windows = computer === "windows";
  const url = `${site.ws}/client/${id}`;
  const bridge = local === "websocat" ? "websocat --binary" : "wsproxy";
  // ssh hands the command to a shell, and expands percent signs in it first.
  const proxy = `${bridge} ${windows ? url : quoteSh(url)}`.replaceAll("%", "%%");
  const arg = (/** @type {string} */ option, /** @type {string} */ value) =>
    argument(computer, option, value);
  const user = arg("", `${site.username}@localhost`);
  const alias = arg("-oHostKeyAlias=", id);
  if (local === "tunnel") {
    const options = ["-oServerAliveInterval=10", alias];
    return [
      fetchBlock(site, computer, "tunnel"),
      {
        title: "In a terminal that stays open: the tunnel",
        text: `tunnel ${PORT} ${arg("", url)}`,
      },
      { title: "In another: a shell", text: ["ssh", ...options, "-p", PORT, user].join(" ") },
      {
        title: "In another: files",
        text: ["sftp", ...options, `-oPort=${PORT}`, user].join(" "),
      },
    ];
  }
  if (local === "config") {
    const entry = [
      `Host ${id}`,
      "  HostName localhost",
      `  User ${site.username}`,
      `  HostKeyAlias ${id}`,
      "  ServerAliveInterval 10",
      `  ProxyCommand ${proxy}`,
    ];
    return [
      fetchBlock(site, computer, "wsproxy"),
      { title: "Add to the file .ssh/config in your home directory", text: entry.join("\n") },
      { title: "A shell", text: `ssh ${id}` },
      { title: "Files", text: `sftp ${id}` },
    ];
  }
  const options = ["-oServerAliveInterval=10", arg("-oProxyCommand=", proxy), alias, user].join(
    " ",
  );
  return [
    ...(local === "wsproxy" ? [fetchBlock(site, computer, "wsproxy")] : []),
    { title: "A shell", text: `ssh ${options}` },
    { title: "Files", text: `sftp ${options}` },
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
