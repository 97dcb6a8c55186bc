/** Keys of clients that an exchange must not use. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { getDiffieHellman } from "node:crypto";
import {
  CURVE25519,
  NISTP256,
  NISTP384,
  NISTP521,
} from "../../../../lib/ssh/transport/exchange/curves.ts";
import { GROUP14, GROUP16 } from "../../../../lib/ssh/transport/exchange/diffie_hellman.ts";

const refused = { name: "MalformedError" };

Deno.test("Curve25519 refuses points of small order and wrong lengths", () => {
  // RFC 7748, section 6.1, and https://cr.yp.to/ecdh.html#validate
  const weak = [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}7f`,
  ];
  for (const point of weak) {
    assert.throws(() => CURVE25519.respond(Buffer.from(point, "hex")), refused, point);
  }
  for (const length of [0, 31, 33]) {
    assert.throws(() => CURVE25519.respond(new Uint8Array(length).fill(9)), refused);
  }
});

Deno.test("curves of NIST refuse what is not a point, and go on", () => {
  for (const [curve, length] of [[NISTP256, 65], [NISTP384, 97], [NISTP521, 133]] as const) {
    const { value } = curve.respond(curve.respond(generator(curve)).value);
    assert.equal(value.length, length);
    const off = new Uint8Array(value);
    off[length - 1]! ^= 1;
    const infinity = Uint8Array.of(0);
    for (
      const bytes of [
        off,
        infinity,
        value.subarray(1),
        new Uint8Array(length),
        infinity.subarray(1),
      ]
    ) {
      assert.throws(() => curve.respond(bytes), refused);
    }
  }
});

/** Any point on a curve. */
function generator(curve: typeof NISTP256): Uint8Array {
  const names = new Map([[NISTP256, p256], [NISTP384, p384], [NISTP521, p521]]);
  return names.get(curve)!.Point.BASE.toBytes(false);
}

Deno.test("Diffie-Hellman refuses numbers that are not in the group", () => {
  for (const [group, name] of [[GROUP14, "modp14"], [GROUP16, "modp16"]] as const) {
    const prime = Buffer.concat([Buffer.of(0), getDiffieHellman(name).getPrime()]);
    const less = Buffer.from(prime);
    less[less.length - 1]! -= 1;
    for (const number of [Buffer.of(), Buffer.of(0), Buffer.of(1), less, prime]) {
      assert.throws(() => group.respond(number), refused);
    }
    assert.ok(group.respond(Buffer.of(2)).value.length > 200);
  }
});
