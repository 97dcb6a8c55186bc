import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { readText } from "../../files/read_file.ts";
import { createPrivateFile } from "../../files/write_file.ts";
import { fileErrorReason, isMissing } from "../../text/file_error.ts";
import { errorMessage } from "../../text/error_message.ts";
import { parsePrivateKey, type PrivateKey, writeOpenSshEd25519 } from "./private_key.ts";
import { fingerprint, parsePublicKey } from "./public_key.ts";

/** The types of keys that are generated, as ssh-keygen calls them. */
export type HostKeyType = "ed25519" | "ecdsa" | "rsa";

/** The length of a new RSA key, which is ssh-keygen's, in bits. */
const RSA_BITS = 3072;

/** The longest key file, in bytes. */
const MAX_BYTES = 64 * 1024;

/** The key that a server proves itself with. */
export interface HostKey extends PrivateKey {
  /** `SHA256:…` as OpenSSH prints it. */
  readonly fingerprint: string;
  /** The public key as in known_hosts, without a host name: `ssh-ed25519 AAAA…`. */
  readonly publicLine: string;
}

/** Generates a key; one for RSA takes about a second. */
export function generateHostKey(type: HostKeyType = "ed25519"): HostKey {
  return toHostKey(generateKeyFile(type));
}

/** The key's type, as ssh-keygen calls it. */
export function hostKeyType({ type }: HostKey): HostKeyType {
  return type === "ssh-ed25519" ? "ed25519" : type === "ssh-rsa" ? "rsa" : "ecdsa";
}

/** A new ed25519 key for a secret of a CI system: {@link hostKeyFromSecret} reads it. */
export function newHostKeySecret(): string {
  return generateKeyFile("ed25519").split("\n").filter((line) => !line.startsWith("-----")).join(
    "",
  );
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

/** A new key, as it is kept in a file. */
function generateKeyFile(type: HostKeyType): string {
  if (type === "ed25519") return writeOpenSshEd25519(generateKeyPairSync("ed25519").privateKey);
  const { privateKey } = type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: RSA_BITS })
    : generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/**
 * Reads the key from a file; if there is no such file, generates an ed25519 key and writes it
 * there, readable for its owner alone.
 *
 * @throws {Error} if the file cannot be read or written, or does not hold a host key
 */
export async function loadHostKey(path: string): Promise<HostKey> {
  return await readHostKeyFile(path) ?? await makeHostKey(path, "ed25519");
}

/**
 * Reads the key from a file; undefined if there is no such file.
 *
 * @throws {Error} if the file cannot be read, or does not hold a host key
 */
export async function readHostKeyFile(path: string): Promise<HostKey | undefined> {
  const text = await readKeyFile(path);
  return text === undefined ? undefined : fromFile(path, text);
}

/**
 * Generates a key and writes it to a new file, readable for its owner alone; takes the key in it if
 * another agent is faster.
 *
 * @throws {Error} if the file cannot be written, or does not hold a host key
 */
export async function makeHostKey(path: string, type: HostKeyType): Promise<HostKey> {
  return fromFile(path, await makeKeyFile(path, type));
}

function fromFile(path: string, text: string): HostKey {
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
    return await readText(path, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (isMissing(error)) return undefined;
    const why = fileErrorReason(error);
    throw new Error(`cannot read the host key "${path}": ${why}`, { cause: error });
  }
}

/** Makes a key file, unless another agent is faster. @returns the text of the file */
async function makeKeyFile(path: string, type: HostKeyType): Promise<string> {
  let why = "it is a symbolic link that leads nowhere";
  let cause: unknown;
  try {
    await createPrivateFile(path, new TextEncoder().encode(generateKeyFile(type)));
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
  // Refuses RSA keys that are too short.
  parsePublicKey(key.blob);
  return {
    ...key,
    fingerprint: fingerprint(key.blob),
    publicLine: `${key.type} ${Buffer.from(key.blob).toString("base64")}`,
  };
}
