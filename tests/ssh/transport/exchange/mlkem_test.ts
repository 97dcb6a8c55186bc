import assert from "node:assert/strict";
import { shake128 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { MLKEM768_X25519 } from "../../../../lib/ssh/transport/exchange/mlkem.ts";

const refused = { name: "MalformedError" };

/**
 * Keys as a client makes them, ML-KEM's by another implementation: the browser's interface of Deno.
 */
async function clientKeys() {
  // deno-lint-ignore no-explicit-any -- not in Deno's types yet
  const subtle = crypto.subtle as any;
  const kem = await subtle.generateKey("ML-KEM-768", true, ["decapsulateBits", "encapsulateBits"]);
  const encapsulationKey = new Uint8Array(await subtle.exportKey("raw-public", kem.publicKey));
  const curve = generateKeyPairSync("x25519");
  const { x } = curve.publicKey.export({ format: "jwk" });
  return {
    value: Buffer.concat([encapsulationKey, Buffer.from(x!, "base64url")]),
    /** What the client computes from the server's value. */
    async secret(value: Uint8Array): Promise<Uint8Array> {
      const [cipherText, point] = [value.slice(0, 1088), value.slice(1088)];
      const shared = await subtle.decapsulateBits("ML-KEM-768", kem.privateKey, cipherText);
      const key = { kty: "OKP", crv: "X25519", x: Buffer.from(point).toString("base64url") };
      const publicKey = createPublicKey({ key, format: "jwk" });
      const { privateKey } = curve;
      return createHash("sha256").update(new Uint8Array(shared))
        .update(diffieHellman({ privateKey, publicKey })).digest();
    },
  };
}

Deno.test("mlkem768x25519-sha256 agrees with another implementation", async () => {
  for (let i = 0; i < 5; i++) {
    const client = await clientKeys();
    const { value, secret } = MLKEM768_X25519.respond(client.value);
    assert.equal(value.length, 1088 + 32);
    assert.deepEqual([...secret.subarray(0, 4)], [0, 0, 0, 32]);
    assert.deepEqual([...secret.subarray(4)], [...await client.secret(value)]);
  }
});

Deno.test("mlkem768x25519-sha256 refuses keys that are too short, too long or invalid", async () => {
  const { value } = await clientKeys();
  for (const wrong of [value.subarray(1), Buffer.concat([value, Buffer.of(0)]), Buffer.of()]) {
    assert.throws(() => MLKEM768_X25519.respond(wrong), refused);
  }
  // Coefficients beyond the modulus (FIPS 203, section 7.2), and a weak point.
  assert.throws(() => MLKEM768_X25519.respond(Buffer.from(value).fill(255, 0, 3)), refused);
  assert.throws(() => MLKEM768_X25519.respond(Buffer.from(value).fill(0, 1184)), refused);
});

Deno.test("the library's ML-KEM-768 gives the accumulated vectors of the final FIPS 203", () => {
  // As in TestAccumulated of Go's crypto/mlkem: SHAKE-128 gives all input, and takes all output.
  const [input, output] = [shake128.create(), shake128.create({ dkLen: 32 })];
  for (let i = 0; i < 100; i++) {
    const { publicKey, secretKey } = ml_kem768.keygen(input.xof(64));
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, input.xof(32));
    const rejected = ml_kem768.decapsulate(input.xof(1088), secretKey);
    assert.deepEqual(ml_kem768.decapsulate(cipherText, secretKey), sharedSecret);
    for (const bytes of [publicKey, cipherText, sharedSecret, rejected]) output.update(bytes);
  }
  assert.equal(
    Buffer.from(output.digest()).toString("hex"),
    "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415",
  );
});
