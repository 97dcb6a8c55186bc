import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { fileErrorReason } from "../../text/file_error.ts";
import { errorMessage } from "../../text/error_message.ts";
import { fingerprint } from "./public_key.ts";
import { parsePrivateKey, type PrivateKey } from "../transport/ssh2.ts";
import { Writer } from "../protocol/wire_format.ts";

/** The key that a server proves itself with. */
export interface HostKey {
  /** As ssh2 holds it. */
  readonly key: PrivateKey;
  /** `SHA256:…` as OpenSSH prints it. */
  readonly fingerprint: string;
  /** The public key as in known_hosts, without a host name: `ssh-ed25519 AAAA…`. */
  readonly publicLine: string;
}

/** Makes a fresh ed25519 key. */
export function generateHostKey(): HostKey {
  return toHostKey(generateOpenSshKey());
}

/**
 * Reads the key from a file; if there is none, makes one and keeps it there, readable for its owner
 * alone.
 *
 * @throws {Error} if the file cannot be read, written or understood
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
    text = generateOpenSshKey();
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
    const why = fileErrorReason(error, "there is no such directory");
    throw new Error(`cannot write the host key "${path}": ${why}`, { cause: error });
  }
}

function toHostKey(text: string): HostKey {
  const key = parsePrivateKey(text);
  if (!/^(ssh-ed25519|ecdsa-sha2-nistp\d+)$/.test(key.type)) {
    throw new Error(`a host key has to be ed25519 or ecdsa, this is ${key.type}`);
  }
  const blob = key.getPublicSSH();
  return {
    key,
    fingerprint: fingerprint(blob),
    publicLine: `${key.type} ${Buffer.from(blob).toString("base64")}`,
  };
}

/** A fresh ed25519 key in the format of OpenSSH's PROTOCOL.key, without a passphrase. */
function generateOpenSshKey(): string {
  const { d, x } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const [secret, point] = [Buffer.from(d!, "base64url"), Buffer.from(x!, "base64url")];
  const publicKey = new Writer().string("ssh-ed25519").string(point).bytes();
  const check = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const secrets = new Writer().uint32(check).uint32(check)
    .string("ssh-ed25519").string(point).string(Buffer.concat([secret, point])).string("");
  for (let padding = 1; secrets.bytes().length % 8 !== 0; padding++) secrets.byte(padding);
  const file = new Writer().raw(new TextEncoder().encode("openssh-key-v1\0"))
    .string("none").string("none").string("").uint32(1).string(publicKey).string(secrets.bytes());
  const base64 = Buffer.from(file.bytes()).toString("base64").replaceAll(/.{70}/g, "$&\n")
    .trimEnd();
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
