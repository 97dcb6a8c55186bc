// @ts-check
/** What a person chooses on the usage page, and what goes together. @module */

const SYSTEMS = /** @type {const} */ ([
  ["linux", "Linux"],
  ["linux-arm64", "Linux on ARM"],
  ["darwin-arm64", "macOS"],
  ["darwin-x64", "macOS on Intel"],
  ["windows", "Windows"],
]);

/**
 * What can be chosen: value and name of each option.
 *
 * @satisfies {Record<string, ReadonlyArray<readonly [string, string]>>}
 */
export const OPTIONS = /** @type {const} */ ({
  os: SYSTEMS,
  shell: [
    ["", "The usual one"],
    ["sh", "sh or bash"],
    ["cmd", "cmd"],
    ["powershell", "PowerShell"],
  ],
  ci: [
    ["plain", "None: plain commands"],
    ["github", "GitHub Actions"],
    ["gitlab", "GitLab CI"],
    ["jenkins", "Jenkins"],
    ["azure", "Azure Pipelines"],
  ],
  computer: SYSTEMS,
  local: [
    ["wsproxy", "ssh with wsproxy"],
    ["config", "An entry in ssh_config"],
    ["tunnel", "A tunnel to a local port"],
    ["websocat", "websocat in wsproxy's place"],
  ],
});

/** @typedef {"linux" | "linux-arm64" | "darwin-arm64" | "darwin-x64" | "windows"} System */
/** @typedef {"sh" | "cmd" | "powershell"} Shell */
/** @typedef {"plain" | "github" | "gitlab" | "jenkins" | "azure"} CiSystem */
/** @typedef {"wsproxy" | "config" | "tunnel" | "websocat"} LocalSide */

/**
 * One person's choices.
 *
 * @typedef {object} Choices
 * @property {string[]} keys lines of authorized_keys, as readPublicKeys() gives them
 * @property {string} id a rendez-vous ID, or empty for a random one
 * @property {System} os where the job runs
 * @property {Shell} shell what the job's commands are written for
 * @property {CiSystem} ci
 * @property {System} computer the person's own
 * @property {LocalSide} local how ssh gets to the server
 */

/**
 * The shells that a job can have, the usual one first.
 *
 * @param {System} os
 * @param {CiSystem} ci
 * @returns {Shell[]}
 */
export function shellsOf(os, ci) {
  if (os !== "windows") return ["sh", "powershell"];
  // GitLab's runner no longer has cmd.
  return ci === "gitlab" ? ["powershell", "sh"] : ["powershell", "cmd", "sh"];
}

/**
 * One of the values of an option; the first one when `value` is none of them.
 *
 * @template {keyof typeof OPTIONS} Name
 * @param {Name} name
 * @param {string | null | undefined} value
 * @returns {(typeof OPTIONS)[Name][number][0]}
 */
function pick(name, value) {
  const values = OPTIONS[name].map(([known]) => known);
  return values.find((known) => known === value) ?? OPTIONS[name][0][0];
}

/**
 * Makes sense of what a form or a browser's memory holds: unknown values become the usual ones.
 *
 * @param {Partial<Record<string, string | null>>} raw by the names of {@link OPTIONS}
 * @param {string[]} keys
 * @param {string} id
 * @returns {Choices}
 */
export function makeChoices(raw, keys, id) {
  const os = pick("os", raw.os);
  const ci = pick("ci", raw.ci);
  const shells = shellsOf(os, ci);
  const shell = shells.find((known) => known === raw.shell) ?? shells[0] ?? "sh";
  return {
    keys,
    id,
    os,
    shell,
    ci,
    computer: pick("computer", raw.computer),
    local: pick("local", raw.local),
  };
}
