/**
 * Reads authorized_keys (sshd(8)) in whatever encoding a shell wrote it. Pure.
 *
 * @module
 */

import { decodeText } from "../../text/decode_text.ts";
import { type KeyOptions, optionsEnd, parseKeyOptions, unrestricted } from "./key_options.ts";
import { fingerprint, parsePublicKey } from "../keys/public_key.ts";

/** One key that may log in. */
export interface AuthorizedKey {
  /** Counted from 1. */
  line: number;
  /** The public key as SSH sends it. */
  blob: Uint8Array;
  fingerprint: string;
  comment: string;
  options: KeyOptions;
}

/** A line that is not usable. */
export interface BrokenLine {
  line: number;
  /** For people; does not repeat the line. */
  reason: string;
  /** The key's fingerprint, if it could be read. */
  fingerprint?: string;
}

export interface AuthorizedKeys {
  keys: AuthorizedKey[];
  broken: BrokenLine[];
}

/**
 * Reads the keys of a file: lines end with LF, CRLF or CR, the text is UTF-8 or UTF-16 with or
 * without a byte order mark. A broken line is reported and does not affect the others.
 */
export function parseAuthorizedKeys(bytes: Uint8Array): AuthorizedKeys {
  const found: AuthorizedKeys = { keys: [], broken: [] };
  // PowerShell's >> appends UTF-16 to any file, which puts NULs between a key's characters.
  const content = decodeText(bytes).replaceAll("\0", "");
  for (const [index, text] of content.split(/\r\n|\n|\r/).entries()) {
    const line = withoutQuotes(text.trim());
    if (line === "" || line.startsWith("#")) continue;
    const number = index + 1;
    const parsed = parseLine(line);
    if ("reason" in parsed) found.broken.push({ line: number, ...parsed });
    else found.keys.push({ line: number, ...parsed });
  }
  return found;
}

/** A quoted line without its quotes, as from cmd's `echo "ssh-rsa …" > .authorized_keys`. */
function withoutQuotes(line: string): string {
  const [, inner] = /^"([^"]*)"$/.exec(line) ?? /^'([^']*)'$/.exec(line) ?? [];
  return inner?.trim() ?? line;
}

function parseLine(line: string): Omit<AuthorizedKey, "line"> | Omit<BrokenLine, "line"> {
  if (line.includes("PRIVATE KEY-----")) {
    return {
      reason: "it is a private key; use the public key, from the file ending in .pub",
    };
  }
  const startsWithKey = isKeyType(line.split(/\s/)[0]!);
  const end = startsWithKey ? 0 : optionsEnd(line);
  const [type, base64, ...comment] = line.slice(end).trim().split(/\s+/);
  if (!type || !isKeyType(type)) {
    const what = type && !startsWithKey ? `"${type.slice(0, 40)}"` : "the line";
    return { reason: `${what} is not a key type; expected: ssh-ed25519 AAAA… comment` };
  }
  const blob = decodeBase64(base64 ?? "");
  if (!blob) return { reason: "the key is not valid base64; is it cut off?" };
  const identity = fingerprint(blob);
  try {
    parsePublicKey(blob);
    if (!namesType(blob, type)) throw new Error(`the key is not of type "${type}"`);
    const options = startsWithKey ? unrestricted() : parseKeyOptions(line.slice(0, end));
    return { blob, fingerprint: identity, comment: comment.join(" "), options };
  } catch (error) {
    return { reason: (error as Error).message, fingerprint: identity };
  }
}

function isKeyType(word: string): boolean {
  return /^(ssh-|ecdsa-|sk-ssh-|sk-ecdsa-)[a-z0-9@.-]+$/.test(word);
}

function namesType(blob: Uint8Array, type: string): boolean {
  return new TextDecoder().decode(blob.subarray(4, 4 + type.length)) === type;
}

function decodeBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]{16,}={0,2}$/.test(text)) return;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return;
  }
}
