import { Buffer } from "node:buffer";
import { scrypt, timingSafeEqual } from "node:crypto";
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
  const correct = await matchesVerifier(password, attempt.password);
  if (attempt.username !== options.username) return wrongUser(options, attempt.username);
  return correct ? { method: "password", options: unrestricted() } : { refused: "wrong password" };
}

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

async function compareWithVerifier(verifier: PasswordVerifier, password: string): Promise<boolean> {
  const expected = Buffer.from(verifier.hash, "base64");
  const { N, r, p } = verifier;
  const actual = await new Promise<Uint8Array>((resolve, reject) => {
    const salt = Buffer.from(verifier.salt, "base64");
    // What the verifier's cost needs (RFC 7914, section 2), and some more.
    const limits = { N, r, p, maxmem: 128 * r * (N + p) + 1024 * 1024 };
    scrypt(password, salt, expected.length, limits, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
  return expected.length > 0 && timingSafeEqual(actual, expected);
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
