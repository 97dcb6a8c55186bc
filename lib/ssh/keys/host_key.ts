import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { fileErrorReason } from "../../text/file_error.ts";
import { errorMessage } from "../../text/error_message.ts";
import { parsePrivateKey, type PrivateKey, writeOpenSshEd25519 } from "./private_key.ts";
import { fingerprint } from "./public_key.ts";

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
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new Error(`cannot read the host key "${path}": ${fileErrorReason(error)}`, {
        cause: error,
      });
    }
    text = generateKeyFile();
    await writePrivate(path, text);
  }
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

async function writePrivate(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
  } catch (error) {
    const why = fileErrorReason(error, "no such directory");
    throw new Error(`cannot write the host key "${path}": ${why}`, { cause: error });
  }
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
