// @ts-check
/** The choices on the usage page, and which of them go together. @module */

const SYSTEMS = /** @type {const} */ ([
  ["linux", "Linux"],
  ["linux-arm64", "Linux on ARM"],
  ["darwin-arm64", "macOS"],
  ["darwin-x64", "macOS on Intel"],
  ["windows", "Windows"],
]);

/**
 * The options: value and name of each.
 *
 * @satisfies {Record<string, ReadonlyArray<readonly [string, string]>>}
 */
export const OPTIONS = /** @type {const} */ ({
  os: SYSTEMS,
  shell: [
    ["", "Default"],
    ["sh", "sh or bash"],
    ["cmd", "cmd"],
    ["powershell", "PowerShell"],
  ],
  ci: [
    ["plain", "Plain commands"],
    ["github", "GitHub Actions"],
    ["gitlab", "GitLab CI"],
    ["jenkins", "Jenkins"],
    ["azure", "Azure Pipelines"],
  ],
  computer: SYSTEMS,
  local: [
    ["wsproxy", "wsproxy"],
    ["setup", "ssh ID.converge"],
    ["tunnel", "tunnel"],
    ["websocat", "websocat instead of wsproxy"],
  ],
});

/** @typedef {"linux" | "linux-arm64" | "darwin-arm64" | "darwin-x64" | "windows"} System */
/** @typedef {"sh" | "cmd" | "powershell"} Shell */
/** @typedef {"plain" | "github" | "gitlab" | "jenkins" | "azure"} CiSystem */
/** @typedef {"wsproxy" | "setup" | "tunnel" | "websocat"} LocalSide */

/**
 * What was chosen.
 *
 * @typedef {object} Choices
 * @property {string[]} keys lines of authorized_keys, as readPublicKeys() gives them
 * @property {string} id a rendez-vous ID, or empty for a random one
 * @property {string} hostKey the public half of the key in CONVERGE_HOST_KEY, or empty for new keys
 * @property {System} os where the job runs
 * @property {Shell} shell of the job
 * @property {CiSystem} ci
 * @property {System} computer the system of the user
 * @property {LocalSide} local how ssh reaches the server
 */

/**
 * The shells that a job can use, the default first.
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
 * The system of a browser.
 *
 * @param {string} userAgent the header of that name
 * @returns {System}
 */
export function guessSystem(userAgent) {
  if (userAgent.includes("Windows")) return "windows";
  // Browsers on Apple silicon say Intel too.
  if (userAgent.includes("Mac OS X")) return "darwin-arm64";
  return /Linux.*(aarch64|arm64)/.test(userAgent) ? "linux-arm64" : "linux";
}

/**
 * The CI system of the page that led here.
 *
 * @param {string} referrer its address, or empty
 * @returns {CiSystem | undefined}
 */
export function guessCi(referrer) {
  const host = URL.parse(referrer)?.hostname ?? "";
  const names =
    /** @type {const} */ ([["github", "github"], ["gitlab", "gitlab"], ["jenkins", "jenkins"], [
      "azure",
      "dev.azure",
    ]]);
  return names.find(([, part]) => host.includes(part))?.[0];
}

/**
 * `value` if the option has it, else the first value of the option.
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
 * Reads the fields of a form or the storage of a browser; unknown values become defaults.
 *
 * @param {Partial<Record<string, string | null>>} raw by the names of {@link OPTIONS}
 * @param {string[]} keys
 * @param {string} id
 * @param {string} hostKey
 * @returns {Choices}
 */
export function makeChoices(raw, keys, id, hostKey = "") {
  const os = pick("os", raw.os);
  const ci = pick("ci", raw.ci);
  const shells = shellsOf(os, ci);
  const shell = shells.find((known) => known === raw.shell) ?? shells[0] ?? "sh";
  return {
    keys,
    id,
    hostKey,
    os,
    shell,
    ci,
    computer: pick("computer", raw.computer),
    local: pick("local", raw.local),
  };
}
