import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "../../files/read_file.ts";
import { createPrivateFile } from "../../files/write_file.ts";
import { fileErrorReason } from "../../text/file_error.ts";
import { errorMessage } from "../../text/error_message.ts";
import { parsePrivateKey, type PrivateKey, writeOpenSshEd25519 } from "./private_key.ts";
import { fingerprint } from "./public_key.ts";

/** The longest key file, in bytes. */
const MAX_BYTES = 64 * 1024;

/** The key that a server proves itself with. */
export interface HostKey extends PrivateKey {
  /** `SHA256:…` as OpenSSH prints it. */
  readonly fingerprint: string;
  /** The public key as in known_hosts, without a host name: `ssh-ed25519 AAAA…`. */
  readonly publicLine: string;
}

/** Generates an ed25519 key. */
export function generateHostKey(): HostKey {
  return toHostKey(generateKeyFile());
}

/** A new ed25519 key for a secret of a CI system: {@link hostKeyFromSecret} reads it. */
export function newHostKeySecret(): string {
  return generateKeyFile().split("\n").filter((line) => !line.startsWith("-----")).join("");
}

/**
 * Reads the key that an environment variable holds.
 *
 * @throws {Error} `cannot use NAME: why`, without the secret
 */
export function hostKeyFromSecret(name: string, secret: string): HostKey {
  try {
    return toHostKey(secret);
  } catch (cause) {
    const why = errorMessage(cause);
    throw new Error(`cannot use ${name}: ${why}; make one with "agent keygen"`, { cause });
  }
}

/** A new ed25519 key, as it is kept in a file. */
function generateKeyFile(): string {
  return writeOpenSshEd25519(generateKeyPairSync("ed25519").privateKey);
}

/**
 * Reads the key from a file; if there is no such file, generates a key and writes it there, readable
 * for its owner alone.
 *
 * @throws {Error} if the file cannot be read or written, or does not hold a host key
 */
export async function loadHostKey(path: string): Promise<HostKey> {
  const text = await readKeyFile(path) ?? await makeKeyFile(path);
  try {
    return toHostKey(text);
  } catch (error) {
    throw new Error(
      `cannot use the host key "${path}": ${errorMessage(error)}; make one with ` +
        `ssh-keygen -t ed25519 -N "" -f FILE`,
      { cause: error },
    );
  }
}

/** The text of a key file, undefined if it does not exist. */
async function readKeyFile(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readFile(path, { maxBytes: MAX_BYTES }));
  } catch (error) {
    if (Object(error).code === "ENOENT") return undefined;
    const why = fileErrorReason(error);
    throw new Error(`cannot read the host key "${path}": ${why}`, { cause: error });
  }
}

/** Makes a key file, unless another agent is faster. @returns the text of the file */
async function makeKeyFile(path: string): Promise<string> {
  let why = "it is a symbolic link that leads nowhere";
  let cause: unknown;
  try {
    await createPrivateFile(path, new TextEncoder().encode(generateKeyFile()));
    const text = await readKeyFile(path);
    if (text !== undefined) return text;
  } catch (error) {
    why = fileErrorReason(error, "no such directory");
    cause = error;
  }
  throw new Error(`cannot write the host key "${path}": ${why}`, { cause });
}

function toHostKey(text: string): HostKey {
  const key = parsePrivateKey(text);
  if (!/^(ssh-ed25519|ecdsa-sha2-nistp\d+)$/.test(key.type)) {
    throw new Error(`a host key has to be ed25519 or ecdsa, this is ${key.type}`);
  }
  return {
    ...key,
    fingerprint: fingerprint(key.blob),
    publicLine: `${key.type} ${Buffer.from(key.blob).toString("base64")}`,
  };
}
