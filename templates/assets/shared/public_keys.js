// @ts-check
/** Reads public keys that a user pastes, one per line as in authorized_keys. @module */

/**
 * The result of {@link readPublicKeys}.
 *
 * @typedef {object} PublicKeys
 * @property {string[]} keys the valid lines; `github:NAME` stands for the keys of a user there
 * @property {string[]} problems a sentence for each of the first few invalid lines
 * @property {boolean} secret whether there is a private key among them; then keep nothing
 */

const PRIVATE_KEY =
  "(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|Private-Lines|b3BlbnNzaC1rZXktdjE";
const KEY_TYPE = "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|" +
  "sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com";

/** The keys of a user of GitHub or GitLab, whose names are of such letters. */
const ACCOUNT = "(?:github|gitlab):[A-Za-z0-9](?:[A-Za-z0-9._\\-]{0,62}[A-Za-z0-9])?";

/**
 * The `pattern` of a field for one key. It works without scripts and keeps a pasted private key from
 * being sent.
 */
export const KEY_PATTERN =
  `\\s*${ACCOUNT}\\s*|(?!.*(?:${PRIVATE_KEY}))\\s*(?:.*\\s)?(?:${KEY_TYPE})\\s+AAAA[A-Za-z0-9+\\/]+=*(?:\\s.*)?`;

/** The parts of a line: options, type, base64, comment. The quoted value of an option is free text. */
const LINE = /^(?:((?:[^\s"]|"(?:\\.|[^"\\])*")+)\s+)??([a-z0-9@.-]+)\s+(AAAA\S*)(?:\s+(.*))?$/i;
const WHOLE_ACCOUNT = new RegExp(`^${ACCOUNT}$`);
const USABLE_TYPE = new RegExp(`^(?:${KEY_TYPE})$`);

/** The options before a key that the agent knows; a line with another one lets nobody in. */
export const KEY_OPTIONS = [
  ...["restrict", "command", "from", "environment", "expiry-time"],
  ...["pty", "port-forwarding", "agent-forwarding", "x11-forwarding", "user-rc"].flatMap((name) => [
    name,
    `no-${name}`,
  ]),
];

/** An option, with its value if it has one. */
const OPTION = /([^\s",=]+)(?:="(?:\\.|[^"\\])*")?(?:,|$)/gy;

/** The most problems to report at once. */
const MAX_PROBLEMS = 4;

/** Characters that end a line or that YAML does not allow. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]/u;

/**
 * The strings and numbers of an SSH key (RFC 4253, section 6.6), as bytes.
 *
 * @param {string} base64
 * @returns {string[] | undefined} undefined if a length is wrong
 */
function fields(base64) {
  let bytes;
  try {
    bytes = atob(base64);
  } catch {
    return undefined;
  }
  const found = [];
  for (let at = 0; at < bytes.length;) {
    let length = 0;
    for (let i = 0; i < 4; i++) length = length * 256 + (bytes.charCodeAt(at + i) || 0);
    at += 4 + length;
    if (at > bytes.length) return undefined;
    found.push(bytes.slice(at - length, at));
  }
  return found;
}

/**
 * Why the options before a key cannot be used.
 *
 * @param {string} options
 * @returns {string | undefined}
 */
function optionsProblem(options) {
  let read = 0;
  for (const [whole, name] of options.matchAll(OPTION)) {
    if (!KEY_OPTIONS.includes((name ?? "").toLowerCase())) {
      return `has the option "${name}", which the agent does not support`;
    }
    read += whole.length;
  }
  return read === options.length
    ? undefined
    : "has options that cannot be read; values need quotes";
}

/**
 * Why a key cannot be used.
 *
 * @param {string} type
 * @param {string} base64
 * @returns {string | undefined}
 */
function keyProblem(type, base64) {
  if (/-cert-v0\d@/.test(type)) return "is a certificate; use the public key itself";
  if (type === "ssh-dss") return "is a DSA key, which is too weak; make a new key with ssh-keygen";
  if (!USABLE_TYPE.test(type)) return `has the unknown type ${type}`;
  const parts = fields(base64);
  // A security key has one more field, the application.
  const count = (type.includes("ed25519") ? 2 : 3) + (type.startsWith("sk-") ? 1 : 0);
  if (parts === undefined || parts.length !== count) {
    return "is cut short or broken over several lines";
  }
  const curve = /ecdsa-sha2-(\w+)/.exec(type)?.[1];
  const fits = parts[0] === type &&
    (!type.includes("ed25519") || parts[1]?.length === 32) &&
    (curve === undefined || parts[1] === curve);
  return fits ? undefined : "is damaged";
}

/** The `pattern` of a field for a host key. */
export const HOST_KEY_PATTERN =
  "\\s*(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) +AAAA[A-Za-z0-9+\\/]+=*(?:\\s.*)?";

/**
 * Reads the public half of a host key, as `agent keygen` prints it.
 *
 * @param {string} text
 * @returns {{ hostKey: string, problem?: string, secret: boolean }} `hostKey` is empty for an empty
 * text, and for one that cannot be used; with `secret`, keep nothing
 */
export function readHostKey(text) {
  const { keys, problems, secret } = readPublicKeys(text);
  const line = keys.length === 1 ? keys[0] : undefined;
  const [, hostKey] = /^((?:ssh-ed25519|ecdsa-sha2-nistp\d+) \S+)/.exec(line ?? "") ?? [];
  if (hostKey !== undefined) return { hostKey, secret };
  if (text.trim() === "" || secret) return { hostKey: "", secret };
  const problem = problems[0]?.replace("Line 1", "The host key") ??
    "A host key is one line, ed25519 or ecdsa, as agent keygen prints it.";
  return { hostKey: "", problem, secret };
}

/**
 * Sorts pasted lines into keys and problems. Drops empty lines and comments, and trims white space.
 *
 * @param {string} text
 * @returns {PublicKeys}
 */
export function readPublicKeys(text) {
  if (new RegExp(PRIVATE_KEY).test(text)) return { keys: [], problems: [], secret: true };
  /** @type {string[]} */
  const keys = [];
  /** @type {string[]} */
  const problems = [];
  text.split(/\r\n|[\r\n]/).forEach((raw, index) => {
    // cmd's echo leaves the quotes around what it prints; the agent takes such lines, too.
    const line = raw.replace(/^\ufeff/, "").replaceAll("\t", " ").trim()
      .replace(/^"([^"]*)"$|^'([^']*)'$/, "$1$2").trim();
    if (line === "" || line.startsWith("#")) return;
    const match = LINE.exec(line);
    const problem = WHOLE_ACCOUNT.test(line)
      ? undefined
      : UNPRINTABLE.test(line)
      ? "contains control characters"
      : match
      ? optionsProblem(match[1] ?? "") ?? keyProblem(match[2] ?? "", match[3] ?? "")
      : /BEGIN SSH2 PUBLIC KEY/.test(line)
      ? "is in PuTTY's format; copy the one-line form that PuTTYgen shows"
      : "is not a public key, such as ssh-ed25519 AAAA… you@home";
    if (problem !== undefined) problems.push(`Line ${index + 1} ${problem}.`);
    else if (!keys.includes(line)) keys.push(line);
  });
  return { keys, problems: problems.slice(0, MAX_PROBLEMS), secret: false };
}
