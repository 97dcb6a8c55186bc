import { createHash } from "node:crypto";
import { MalformedError, Reader } from "../protocol/wire_format.ts";
import { ECDSA_CURVES } from "./curves.ts";

/** The shortest RSA key that lets anyone in, in bits. */
const MIN_RSA_BITS = 2048;

/** Types of keys that can log in. */
export const KEY_TYPES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

/** A public key as SSH sends it (RFC 4253, section 6.6), taken apart. */
export type PublicKey =
  | { type: "ssh-ed25519"; point: Uint8Array }
  | { type: "sk-ssh-ed25519@openssh.com"; point: Uint8Array; application: Uint8Array }
  | { type: "ssh-rsa"; exponent: Uint8Array; modulus: Uint8Array }
  | { type: "ecdsa"; curve: string; point: Uint8Array }
  | { type: "sk-ecdsa"; curve: string; point: Uint8Array; application: Uint8Array };

/**
 * Takes a public key apart and checks it.
 *
 * @throws {MalformedError} with a reason for people
 */
export function parsePublicKey(blob: Uint8Array): PublicKey {
  const reader = new Reader(blob);
  const type = reader.text();
  if (!KEY_TYPES.includes(type)) throw new MalformedError(whyUnusable(type));
  const key = readFields(type, reader);
  if (reader.left > 0) throw new MalformedError("the key is followed by something else");
  return key;
}

function readFields(type: string, reader: Reader): PublicKey {
  if (type === "ssh-rsa") {
    const [exponent, modulus] = [withoutZeros(reader.string()), withoutZeros(reader.string())];
    const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
    if (bits < MIN_RSA_BITS) {
      throw new MalformedError(
        `an RSA key of ${bits} bits is too short, ${MIN_RSA_BITS} is the least`,
      );
    }
    return { type, exponent, modulus };
  }
  if (type === "ssh-ed25519" || type === "sk-ssh-ed25519@openssh.com") {
    const point = reader.string();
    if (point.length !== 32) throw new MalformedError("an ed25519 key has 32 bytes");
    if (type === "ssh-ed25519") return { type, point };
    return { type, point, application: reader.string() };
  }
  const curve = reader.text();
  if (!Object.hasOwn(ECDSA_CURVES, curve) || !type.includes(`ecdsa-sha2-${curve}`)) {
    throw new MalformedError("the curve is not the type's");
  }
  const point = reader.string();
  if (point.length !== 1 + 2 * ECDSA_CURVES[curve]!.coordinate || point[0] !== 4) {
    throw new MalformedError(`the key is not a point on ${curve}`);
  }
  if (!type.startsWith("sk-")) return { type: "ecdsa", curve, point };
  return { type: "sk-ecdsa", curve, point, application: reader.string() };
}

/** Why a key of some type cannot be used, for people. */
export function whyUnusable(type: string): string {
  if (type === "ssh-dss") return "DSA keys are too weak; make one with ssh-keygen -t ed25519";
  if (type.includes("-cert-v0")) return "certificates are not supported; use the plain public key";
  return `the key type "${type}" is not supported`;
}

/** The fingerprint as OpenSSH prints it: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** An mpint's magnitude. */
function withoutZeros(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array() : bytes.subarray(start);
}
