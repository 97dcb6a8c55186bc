/** The first packet of a key exchange, sent on a guess (RFC 4253, section 7). */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";

const test = requires("ssh");

const KEXINIT = 20, ECDH_INIT = 30, ECDH_REPLY = 31;

/** An unencrypted packet (RFC 4253, section 6). */
function packet(payload: Uint8Array): Uint8Array {
  const padding = 8 - (payload.length + 5) % 8 + 8;
  return new Writer().uint32(payload.length + padding + 1).byte(padding).raw(payload)
    .raw(new Uint8Array(padding)).bytes();
}

function kexInit(kex: string): Uint8Array {
  const message = new Writer().byte(KEXINIT).raw(new Uint8Array(16)).string(kex)
    .string("ssh-ed25519");
  for (const names of ["aes128-ctr", "hmac-sha2-256", "none", ""]) {
    message.string(names).string(names);
  }
  return packet(message.boolean(true).uint32(0).bytes());
}

/** A client's key on Curve25519, behind `before`. */
function ecdhInit(before: Uint8Array = new Uint8Array()): Uint8Array {
  const { publicKey } = generateKeyPairSync("x25519");
  const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return packet(new Writer().byte(ECDH_INIT).string(Buffer.concat([before, key])).bytes());
}

/** The types of the server's packets up to its answer in the key exchange. */
async function answers(conn: Deno.Conn): Promise<number[]> {
  const types: number[] = [];
  let bytes = new Uint8Array(), header = false;
  for await (const chunk of conn.readable) {
    bytes = new Uint8Array([...bytes, ...chunk]);
    const newline = bytes.indexOf(10);
    if (!header && newline >= 0) [bytes, header] = [bytes.slice(newline + 1), true];
    while (header && bytes.length >= 6) {
      const length = new DataView(bytes.buffer).getUint32(0);
      if (bytes.length < length + 4) break;
      types.push(bytes[5]!);
      if (types.includes(ECDH_REPLY)) return types;
      bytes = bytes.slice(length + 4);
    }
  }
  return types;
}

for (
  const [guess, kex, inits] of [
    ["right", "mlkem768x25519-sha256", [ecdhInit(ml_kem768.keygen().publicKey)]],
    ["wrong", "sntrup761x25519-sha512@openssh.com,curve25519-sha256", [
      packet(new Uint8Array([ECDH_INIT, 1, 2, 3])),
      ecdhInit(),
    ]],
  ] as const
) {
  test(`a ${guess} guess at the key exchange is ${guess === "right" ? "taken" : "passed over"}`, async () => {
    await using server = await TestSshServer.start();
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const hello = new TextEncoder().encode("SSH-2.0-guess\r\n");
    for (const bytes of [hello, kexInit(kex), ...inits]) await conn.write(bytes);
    assert.deepEqual(await answers(conn), [KEXINIT, ECDH_REPLY]);
  });
}
