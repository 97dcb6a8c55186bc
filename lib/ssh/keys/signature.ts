import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { atFullLength, ECDSA_CURVES } from "./curves.ts";
import type { PublicKey } from "./public_key.ts";
import { MalformedError, Reader, Writer } from "../protocol/wire_format.ts";

/** RSA signatures that count (RFC 8332); `ssh-rsa`, which is SHA-1, does not. */
const RSA_HASHES: Record<string, string> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };

/** The user touched the key (FIDO, authenticator data). */
const USER_PRESENT = 1;

/**
 * Whether a signature is `key`'s over `data`.
 *
 * @param algorithm the name the client gave; must be the signature's own
 * @param signature as SSH sends it: a name, then the rest (RFC 4253, section 6.6)
 * @throws {MalformedError} if it is cut off, or a number in it or in the key is invalid
 */
export function verifySignature(
  key: PublicKey,
  algorithm: string,
  signature: Uint8Array,
  data: Uint8Array,
): boolean {
  const reader = new Reader(signature);
  if (reader.text() !== algorithm) return false;
  const bytes = reader.string();
  switch (key.type) {
    case "ssh-ed25519":
      return algorithm === key.type && verifyEd25519(key.point, bytes, data);
    case "ssh-rsa": {
      const hash = Object.hasOwn(RSA_HASHES, algorithm) ? RSA_HASHES[algorithm]! : undefined;
      if (!hash) return false;
      const { exponent, modulus } = key;
      return verify(
        hash,
        data,
        fromJwk({ kty: "RSA", e: base64url(exponent), n: base64url(modulus) }),
        bytes,
      );
    }
    case "ecdsa":
      return algorithm === `ecdsa-sha2-${key.curve}` && verifyEcdsa(key, bytes, data);
  }
  // A security key signs more than the data (OpenSSH's PROTOCOL.u2f).
  const [flags, counter] = [reader.byte(), reader.uint32()];
  if ((flags & USER_PRESENT) === 0) return false;
  const signed = new Writer().raw(sha256(key.application)).byte(flags).uint32(counter)
    .raw(sha256(data)).bytes();
  if (key.type === "sk-ecdsa") {
    return algorithm === `sk-ecdsa-sha2-${key.curve}@openssh.com` &&
      verifyEcdsa(key, bytes, signed);
  }
  return algorithm === key.type && verifyEd25519(key.point, bytes, signed);
}

function verifyEd25519(point: Uint8Array, signature: Uint8Array, data: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  return verify(
    null,
    data,
    fromJwk({ kty: "OKP", crv: "Ed25519", x: base64url(point) }),
    signature,
  );
}

function verifyEcdsa(
  key: { curve: string; point: Uint8Array },
  signature: Uint8Array,
  data: Uint8Array,
): boolean {
  const curve = ECDSA_CURVES[key.curve]!;
  const { hash, jwk, coordinate } = curve;
  const x = base64url(key.point.subarray(1, 1 + coordinate));
  const y = base64url(key.point.subarray(1 + coordinate));
  const publicKey = fromJwk({ kty: "EC", crv: jwk, x, y });
  const reader = new Reader(signature);
  const numbers = [reader.string(), reader.string()].map((mpint) => atFullLength(mpint, curve));
  return verify(hash, data, { key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.concat(numbers));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function fromJwk(key: Record<string, string>): KeyObject {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch (cause) {
    throw new MalformedError("the key's numbers are invalid", { cause });
  }
}
