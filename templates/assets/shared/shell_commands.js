// @ts-check
/** The commands that start the agent in a job, for each shell. @module */

import { echoCmd, quoteCmd, quotePowerShell, quoteSh } from "./quote.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices } from "./choices.js"
 */

/**
 * Keys, and accounts whose keys count.
 *
 * @param {string[]} lines
 * @returns {{ keys: string[], accounts: string[] }} accounts as options of the agent
 */
export function sortKeys(lines) {
  const isAccount = (/** @type {string} */ line) => /^git(hub|lab):/.test(line);
  return {
    keys: lines.filter((line) => !isAccount(line)),
    accounts: lines.filter(isAccount).map((line) => `--${line.replace(":", "-user ")}`),
  };
}

/**
 * The commands of the job in its shell, one a line.
 *
 * @param {Pick<Site, "http" | "ws">} site
 * @param {Choices} choices
 * @returns {string[]}
 */
export function shellCommands({ http, ws }, { keys: lines, id, os }) {
  const { keys, accounts } = sortKeys(lines);
  const options = [...(id ? ["--id", id] : []), ...accounts];
  const exe = `${http}/static/agent.exe`;
  const to = (/** @type {number} */ index) => index === 0 ? ">" : ">>";
  if (os === "cmd") {
    return [
      ...keys.map((key, index) => `${to(index)} .authorized_keys ${echoCmd(key)}`),
      `curl -fsSL -o agent.exe ${quoteCmd(exe)}`,
      [".\\agent", ...options, quoteCmd(ws)].join(" "),
    ];
  }
  if (os === "powershell") {
    const write = (/** @type {number} */ index) => index === 0 ? "Set-Content" : "Add-Content";
    return [
      ...keys.map((key, index) =>
        `${write(index)} -Encoding utf8 .authorized_keys ${quotePowerShell(key)}`
      ),
      // In Windows PowerShell, curl is an alias of another program.
      `curl.exe -fsSL -o agent.exe ${quotePowerShell(exe)}`,
      [".\\agent", ...options, quotePowerShell(ws)].join(" "),
    ];
  }
  const windows = os === "bash";
  const program = windows ? "agent.exe" : "agent";
  return [
    // In some shells echo reads backslashes.
    ...keys.map((key, index) =>
      `${key.includes("\\") ? "printf '%s\\n'" : "echo"} ${quoteSh(key)} ${
        to(index)
      } .authorized_keys`
    ),
    `curl -fsSL -o ${program} ${
      windows ? quoteSh(exe) : `${quoteSh(`${http}/static/agent`)}-$(uname -s)-$(uname -m)`
    }`,
    ...(windows ? [] : ["chmod 755 agent"]),
    [`./${program}`, ...options, quoteSh(ws)].join(" "),
  ];
}
