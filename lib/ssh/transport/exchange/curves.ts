/** Key exchange on elliptic curves (RFC 5656, section 4; RFC 8731). */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { Buffer } from "node:buffer";
import { createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { MalformedError, Writer } from "../../protocol/wire_format.ts";
import type { ExchangeMethod } from "./method.ts";

/**
 * Makes a key pair on Curve25519 and computes the secret it shares with `peer`.
 *
 * @returns our public key and the secret, 32 bytes each
 * @throws {MalformedError} if `peer` is not a key, or one of those with which anyone can tell the
 * secret (RFC 8731, section 3)
 */
export function exchangeX25519(peer: Uint8Array): { value: Uint8Array; secret: Uint8Array } {
  if (peer.length !== 32) throw new MalformedError("a Curve25519 key has 32 bytes");
  const ours = generateKeyPairSync("x25519");
  const x = Buffer.from(peer).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
  let secret: Uint8Array = new Uint8Array(32);
  try {
    secret = diffieHellman({ privateKey: ours.privateKey, publicKey });
  } catch {
    // Depending on its version, Deno refuses such a key or computes zeros.
  }
  if (secret.every((byte) => byte === 0)) throw new MalformedError("a weak Curve25519 key");
  const { x: value } = ours.publicKey.export({ format: "jwk" });
  return { value: Buffer.from(value!, "base64url"), secret };
}

/** `curve25519-sha256`. */
export const CURVE25519: ExchangeMethod = {
  hash: "sha256",
  respond(peer) {
    const { value, secret } = exchangeX25519(peer);
    return { value, secret: new Writer().mpint(secret).bytes() };
  },
};

/**
 * A curve of NIST. These come from a library, because the ECDH of node:crypto ends the whole
 * process on Deno 2.7 when a client sends a point that is not on the curve.
 */
function nistCurve(hash: string, curve: typeof p256): ExchangeMethod {
  return {
    hash,
    respond(peer) {
      const secretKey = curve.utils.randomSecretKey();
      let point: Uint8Array;
      try {
        point = curve.getSharedSecret(secretKey, peer, false);
      } catch (cause) {
        throw new MalformedError("the client's key is not a point on the curve", { cause });
      }
      // The secret is the x coordinate alone.
      const x = point.subarray(1, (point.length + 1) / 2);
      return {
        value: curve.getPublicKey(secretKey, false),
        secret: new Writer().mpint(x).bytes(),
      };
    },
  };
}

/** `ecdh-sha2-nistp256` and its like. */
export const NISTP256: ExchangeMethod = nistCurve("sha256", p256);
export const NISTP384: ExchangeMethod = nistCurve("sha384", p384);
export const NISTP521: ExchangeMethod = nistCurve("sha512", p521);
