import { Buffer } from "node:buffer";
import { scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { errorMessage } from "../../text/error_message.ts";
import { fileErrorReason, isMissing } from "../../text/file_error.ts";
import type { PasswordVerifier } from "../../protocol/messages.ts";
import { matchesAddress } from "./address_pattern.ts";
import type { AuthorizedKey, AuthorizedKeys } from "./authorized_keys.ts";
import { readAuthorizedKeys } from "./authorized_keys_file.ts";
import { type KeyOptions, unrestricted } from "./key_options.ts";
import { fingerprint } from "../keys/public_key.ts";

/** Who may log in; may change while the server runs. */
export interface AuthenticationOptions {
  /** The only user name that may log in. */
  username: string;
  /** Without it nobody can log in with a password. */
  password?: PasswordVerifier;
  /** In the format of authorized_keys; read at each attempt. It need not exist. */
  authorizedKeysFile?: string;
  /** More keys, from elsewhere. */
  extraKeys?: AuthorizedKey[];
}

/** The client that has logged in. */
export interface Identity {
  method: "publickey" | "password";
  /** Of the key. */
  fingerprint?: string;
  /** Of the key's line. */
  comment?: string;
  options: KeyOptions;
}

/** A refusal and its reason, which goes to the log and not to the client. */
export interface LoginRefusal {
  refused: string;
}

export type Decision = Identity | LoginRefusal;

/** The methods that a client may try (RFC 4252, section 5.1). */
export function loginMethods(options: AuthenticationOptions): string[] {
  return options.password ? ["publickey", "password", "keyboard-interactive"] : ["publickey"];
}

/**
 * Whether a key may log in; the caller checks the signature.
 *
 * @param attempt `blob` is the public key, `address` where the client comes from
 */
export async function checkKey(
  options: AuthenticationOptions,
  attempt: { username: string; address: string; blob: Uint8Array; now?: number },
): Promise<Decision> {
  const { file, problem } = await readKeys(options.authorizedKeysFile);
  if (attempt.username !== options.username) return wrongUser(options, attempt.username);
  const identity = fingerprint(attempt.blob);
  const isIt = (key: { fingerprint?: string }) => key.fingerprint === identity;
  const name = `"${options.authorizedKeysFile}"`;
  const listed = file.keys.filter(isIt);
  const lines = listed.length > 0 ? listed : options.extraKeys?.filter(isIt) ?? [];
  // As in sshd, a key may be listed several times with different options.
  const decisions = lines.map((key) =>
    checkLimits(key, attempt.address, attempt.now ?? Date.now())
  );
  const decision = decisions.find((decision) => !("refused" in decision)) ?? decisions[0];
  if (decision) return decision;
  const broken = file.broken.find(isIt);
  if (broken) return { refused: `line ${broken.line} of ${name} is not usable: ${broken.reason}` };
  if (problem && !options.extraKeys?.length) return { refused: problem };
  return { refused: problem ? `unknown key; ${problem}` : `the key is not in ${name}` };
}

function checkLimits(key: AuthorizedKey, address: string, now: number): Decision {
  const { from, expires } = key.options;
  if (expires !== undefined && now >= expires) {
    return { refused: `the key expired at ${new Date(expires).toISOString()}` };
  }
  if (from !== undefined && !matchesAddress(from, address)) {
    return { refused: `the key has from="${from}", but the client comes from "${address}"` };
  }
  const { fingerprint, comment, options } = key;
  return { method: "publickey", fingerprint, comment, options };
}

/** Whether a password is correct; takes the same time for a wrong user name. */
export async function checkPassword(
  options: AuthenticationOptions,
  attempt: { username: string; password: string },
): Promise<Decision> {
  const { password } = options;
  if (!password) return { refused: "no password is set" };
  let correct: boolean;
  try {
    correct = await matchesVerifier(password, attempt.password);
  } catch (error) {
    return { refused: `cannot check the password: ${errorMessage(error)}` };
  }
  if (attempt.username !== options.username) return wrongUser(options, attempt.username);
  return correct ? { method: "password", options: unrestricted() } : { refused: "wrong password" };
}

/**
 * The highest cost, N·r·p, of a password check: eight times what the server asks for today, some
 * seconds and 128 MiB. So a server cannot make an agent grow, or hang.
 */
const MAX_COST = 2 ** 20;

/** Settles when no password is being checked. */
let idle: Promise<unknown> = Promise.resolve();

/**
 * One after the other: a check takes 16 MiB and a processor, which many at once would not leave for
 * sessions.
 */
function matchesVerifier(verifier: PasswordVerifier, password: string): Promise<boolean> {
  const matches = idle.then(() => compareWithVerifier(verifier, password));
  idle = matches.catch(() => {});
  return matches;
}

/** @throws {Error} if the server's verifier is invalid, or would cost too much */
async function compareWithVerifier(verifier: PasswordVerifier, password: string): Promise<boolean> {
  const { salt, hash, N, r, p } = verifier;
  const cost = N * r * p;
  // node:crypto takes 0 for a default of its own.
  if (!(cost >= 2 && cost <= MAX_COST)) throw new Error("the server's verifier has a wrong cost");
  const expected = Buffer.from(hash, "base64");
  if (expected.length === 0) throw new Error("the server's verifier has no hash");
  // The cost limits the memory, too.
  const limits = { N, r, p, maxmem: Number.MAX_SAFE_INTEGER };
  const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
  const actual = await derive(password, Buffer.from(salt, "base64"), expected.length, limits);
  return timingSafeEqual(actual, expected);
}

function wrongUser(options: AuthenticationOptions, username: string): LoginRefusal {
  return { refused: `the user is "${options.username}", not "${username}"` };
}

/** The file's keys, and the problem with the file as a whole if it gives none. */
async function readKeys(
  path: string | undefined,
): Promise<{ file: AuthorizedKeys; problem?: string }> {
  const none = { keys: [], broken: [] };
  if (path === undefined) return { file: none, problem: "no authorized_keys file is set" };
  try {
    const file = await readAuthorizedKeys(path);
    if (file.keys.length > 0) return { file };
    const problem = file.broken.length > 0 ? "has no usable line" : "is empty";
    return { file, problem: `"${path}" ${problem}` };
  } catch (error) {
    const problem = isMissing(error)
      ? `"${path}" does not exist`
      : `cannot read "${path}": ${fileErrorReason(error)}`;
    return { file: none, problem };
  }
}
