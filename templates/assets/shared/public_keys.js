// @ts-check
/** Reads what a person pastes as public keys, one a line as in authorized_keys. @module */

/**
 * What {@link readPublicKeys} found.
 *
 * @typedef {object} PublicKeys
 * @property {string[]} keys the lines that can be used
 * @property {string[]} problems a sentence for each of the first few lines that cannot
 * @property {boolean} secret whether a private key is among them; nothing is to be kept then
 */

const PRIVATE_KEY =
  "(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|Private-Lines|b3BlbnNzaC1rZXktdjE";
const KEY_TYPE = "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|" +
  "sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com";

/**
 * For the `pattern` of a field with one key. It holds without any script, so that a private key that
 * is pasted there is not sent.
 */
export const KEY_PATTERN =
  `(?!.*(?:${PRIVATE_KEY}))\\s*(?:.*\\s)?(?:${KEY_TYPE})\\s+AAAA[A-Za-z0-9+\\/]+=*(?:\\s.*)?`;

/** The parts of a line: options, type, base64, comment. An option's value may hold anything in quotes. */
const LINE = /^(?:((?:[^\s"]|"(?:\\.|[^"\\])*")+)\s+)??([a-z0-9@.-]+)\s+(AAAA\S*)(?:\s+(.*))?$/i;
const USABLE_TYPE = new RegExp(`^(?:${KEY_TYPE})$`);

/** More would fill the page. */
const MAX_PROBLEMS = 4;

/** Characters that end a line or that YAML cannot hold. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]/u;

/**
 * The strings and numbers of an SSH key (RFC 4253, section 6.6), each as its bytes.
 *
 * @param {string} base64
 * @returns {string[] | undefined} nothing if the bytes do not add up
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
 * What keeps a key from being used.
 *
 * @param {string} type
 * @param {string} base64
 * @returns {string | undefined}
 */
function keyProblem(type, base64) {
  if (/-cert-v0\d@/.test(type)) return "is a certificate; use the key that it was made for";
  if (type === "ssh-dss") return "is a DSA key, which is too weak; make one with ssh-keygen";
  if (!USABLE_TYPE.test(type)) return `has the unknown type ${type}`;
  const parts = fields(base64);
  // A security key also names the application that it is for.
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

/**
 * Sorts pasted lines into keys and problems. Empty lines and comments are left out, white space is
 * evened out.
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
    const line = raw.replace(/^\ufeff/, "").replaceAll("\t", " ").trim();
    if (line === "" || line.startsWith("#")) return;
    const match = LINE.exec(line);
    const problem = UNPRINTABLE.test(line)
      ? "holds characters that cannot be printed"
      : match
      ? keyProblem(match[2] ?? "", match[3] ?? "")
      : /BEGIN SSH2 PUBLIC KEY/.test(line)
      ? "begins a key in PuTTY's format; copy the one-line form that PuTTYgen shows"
      : "is no public key; one looks like ssh-ed25519 AAAA… you@home";
    if (problem !== undefined) problems.push(`Line ${index + 1} ${problem}.`);
    else if (!keys.includes(line)) keys.push(line);
  });
  return { keys, problems: problems.slice(0, MAX_PROBLEMS), secret: false };
}
