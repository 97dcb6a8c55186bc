/** What a client sends in a key exchange, by our own messages: for tests without an SSH client. */
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { Message } from "../../lib/ssh/protocol/numbers.ts";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";

/** SSH_MSG_KEXINIT for curve25519-sha256, with more names in the list of methods. */
export function kexinit(...kex: string[]): Uint8Array {
  const message = new Writer().byte(Message.kexinit).raw(new Uint8Array(16));
  const lists = [["curve25519-sha256", ...kex].join(","), "ssh-ed25519"];
  for (const names of ["aes128-gcm@openssh.com", "", "none", ""]) lists.push(names, names);
  for (const names of lists) message.string(names);
  return message.boolean(false).uint32(0).bytes();
}

/** SSH_MSG_KEX_ECDH_INIT (RFC 5656, section 4) with a new key. */
export function exchangeInit(): Uint8Array {
  const { x } = generateKeyPairSync("x25519").publicKey.export({ format: "jwk" });
  return new Writer().byte(Message.exchangeInit).string(Buffer.from(x!, "base64url")).bytes();
}

export const NEW_KEYS = Uint8Array.of(Message.newKeys);
