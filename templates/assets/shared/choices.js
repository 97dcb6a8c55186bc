// @ts-check
/** The choices on the usage page, and which of them go together. @module */

/**
 * The options: value and name of each.
 *
 * @satisfies {Record<string, ReadonlyArray<readonly [string, string]>>}
 */
export const OPTIONS = /** @type {const} */ ({
  ci: [
    ["plain", "Plain commands"],
    ["github", "GitHub Actions"],
    ["github-commands", "GitHub, no action"],
    ["gitlab", "GitLab CI"],
    ["jenkins", "Jenkins"],
    ["circleci", "CircleCI"],
    ["azure", "Azure Pipelines"],
    ["buildkite", "Buildkite"],
  ],
  os: [
    ["posix", "Linux or macOS"],
    ["powershell", "Windows, PowerShell"],
    ["cmd", "Windows, cmd"],
    ["bash", "Windows, bash"],
  ],
  computer: [
    ["posix", "Linux or macOS"],
    ["windows", "Windows"],
  ],
});

/** @typedef {"linux" | "linux-arm64" | "darwin-arm64" | "darwin-x64" | "windows"} System */
/** @typedef {(typeof OPTIONS)["ci"][number][0]} CiSystem */
/** @typedef {(typeof OPTIONS)["os"][number][0]} JobSystem */
/** @typedef {(typeof OPTIONS)["computer"][number][0]} Computer */

/**
 * What was chosen.
 *
 * @typedef {object} Choices
 * @property {string[]} keys lines of authorized_keys, as readPublicKeys() gives them
 * @property {string} id a rendez-vous ID, or empty for a random one
 * @property {string} hostKey the public half of the key in CONVERGE_HOST_KEY, or empty for new keys
 * @property {CiSystem} ci
 * @property {JobSystem} os where the job runs, and the shell of its commands
 * @property {Computer} computer the system of the user
 */

/**
 * The systems that jobs of a CI system can have: GitLab's runner no longer has cmd.
 *
 * @param {CiSystem} ci
 * @returns {JobSystem[]}
 */
export function systemsOf(ci) {
  const all = OPTIONS.os.map(([os]) => os);
  return ci === "gitlab" ? all.filter((os) => os !== "cmd") : all;
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
  const names = /** @type {const} */ ([
    ["github", "github"],
    ["gitlab", "gitlab"],
    ["jenkins", "jenkins"],
    ["circleci", "circleci"],
    ["azure", "dev.azure"],
    ["buildkite", "buildkite"],
  ]);
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
  const ci = pick("ci", raw.ci);
  const os = pick("os", raw.os);
  return {
    keys,
    id,
    hostKey,
    ci,
    os: systemsOf(ci).includes(os) ? os : "powershell",
    computer: pick("computer", raw.computer),
  };
}
