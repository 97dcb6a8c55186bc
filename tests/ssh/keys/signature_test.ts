import { equal, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { parsePublicKey, type PublicKey } from "../../../lib/ssh/keys/public_key.ts";
import { verifySignature } from "../../../lib/ssh/keys/signature.ts";
import { Writer } from "../../../lib/ssh/protocol/wire_format.ts";

const DATA = new TextEncoder().encode("what is signed");
const fromBase64url = (text: string) => Buffer.from(text, "base64url");

function check(key: PublicKey, algorithm: string, rest: (message: Writer) => void): boolean {
  const signature = new Writer().string(algorithm);
  rest(signature);
  return verifySignature(key, algorithm, signature.bytes(), DATA);
}

function ed25519() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { point: fromBase64url(publicKey.export({ format: "jwk" }).x!), privateKey };
}

Deno.test("verifySignature() takes RSA with SHA-2 and not with SHA-1", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { e, n } = publicKey.export({ format: "jwk" });
  const blob = new Writer().string("ssh-rsa").string(fromBase64url(e!))
    .string(Buffer.concat([Buffer.of(0), fromBase64url(n!)])).bytes();
  const key = parsePublicKey(blob);
  const signed = (hash: string, algorithm: string) =>
    check(key, algorithm, (message) => message.string(sign(hash, DATA, privateKey)));
  equal(signed("sha512", "rsa-sha2-512"), true);
  equal(signed("sha256", "rsa-sha2-256"), true);
  equal(signed("sha256", "rsa-sha2-512"), false);
  equal(signed("sha1", "ssh-rsa"), false);
});

Deno.test("verifySignature() takes a security key's signature only with a touch", () => {
  const { point, privateKey } = ed25519();
  const type = "sk-ssh-ed25519@openssh.com";
  const key = parsePublicKey(new Writer().string(type).string(point).string("ssh:").bytes());
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  const touched = (flags: number, counter = 7) => {
    const signed = new Writer().raw(sha256(new TextEncoder().encode("ssh:"))).byte(flags)
      .uint32(7).raw(sha256(DATA)).bytes();
    return check(key, type, (message) => {
      message.string(sign(null, signed, privateKey)).byte(flags).uint32(counter);
    });
  };
  equal(touched(1), true);
  equal(touched(5), true);
  equal(touched(0), false);
  equal(touched(1, 8), false);
});

Deno.test("verifySignature() refuses another key's and another data's signature", () => {
  const [ann, eve] = [ed25519(), ed25519()];
  const key = parsePublicKey(new Writer().string("ssh-ed25519").string(ann.point).bytes());
  const signed = (data: Uint8Array, by: typeof ann) =>
    check(key, "ssh-ed25519", (message) => message.string(sign(null, data, by.privateKey)));
  equal(signed(DATA, ann), true);
  equal(signed(DATA, eve), false);
  equal(signed(DATA.subarray(1), ann), false);
  equal(check(key, "ssh-ed25519", (message) => message.string("short")), false);
});

Deno.test("parsePublicKey() refuses a short RSA key and a wrong point", () => {
  const rsa = new Writer().string("ssh-rsa").string(Buffer.of(1, 0, 1))
    .string(Buffer.alloc(128, 255)).bytes();
  throws(() => parsePublicKey(rsa), /an RSA key of 1024 bits is too short/);
  const point = new Writer().string("ecdsa-sha2-nistp256").string("nistp256")
    .string(Buffer.alloc(64)).bytes();
  throws(() => parsePublicKey(point), /not a point on nistp256/);
  const curve = new Writer().string("ecdsa-sha2-nistp256").string("nistp384")
    .string(Buffer.alloc(97, 4)).bytes();
  throws(() => parsePublicKey(curve), /the curve is not the type's/);
});
