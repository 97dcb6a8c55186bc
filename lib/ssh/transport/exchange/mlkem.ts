/** Hybrid of ML-KEM and a curve, which holds as long as one of them does (RFC 10042). */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { createHash } from "node:crypto";
import { MalformedError, Writer } from "../../protocol/wire_format.ts";
import { exchangeX25519 } from "./curves.ts";
import type { ExchangeMethod } from "./method.ts";

/** The length of an ML-KEM-768 encapsulation key, in bytes (FIPS 203, section 8). */
const ENCAPSULATION_KEY = 1184;

/** `mlkem768x25519-sha256` (RFC 10042, section 2.3). */
export const MLKEM768_X25519: ExchangeMethod = {
  hash: "sha256",
  respond(peer) {
    if (peer.length !== ENCAPSULATION_KEY + 32) {
      throw new MalformedError("a key of ML-KEM-768 and Curve25519 has 1216 bytes");
    }
    const curve = exchangeX25519(peer.subarray(ENCAPSULATION_KEY));
    const kem = encapsulate(peer.subarray(0, ENCAPSULATION_KEY));
    const secret = createHash("sha256").update(kem.sharedSecret).update(curve.secret).digest();
    kem.sharedSecret.fill(0);
    curve.secret.fill(0);
    const value = new Writer().raw(kem.cipherText).raw(curve.value).bytes();
    // A string, where other methods have an mpint.
    return { value, secret: new Writer().string(secret).bytes() };
  },
};

function encapsulate(key: Uint8Array) {
  try {
    return ml_kem768.encapsulate(key);
  } catch (cause) {
    throw new MalformedError("the client's ML-KEM key is invalid", { cause });
  }
}
