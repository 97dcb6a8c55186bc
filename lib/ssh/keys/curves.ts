import { MalformedError } from "../protocol/wire_format.ts";

/** A curve of ECDSA (RFC 5656, sections 6.2.1 and 10.1). */
export interface EcdsaCurve {
  /** The name in JSON web keys. */
  jwk: string;
  /** The hash that goes with it. */
  hash: string;
  /** The length of a coordinate, in bytes. */
  coordinate: number;
}

/** The curves by their names in SSH. */
export const ECDSA_CURVES: Record<string, EcdsaCurve> = {
  nistp256: { jwk: "P-256", hash: "sha256", coordinate: 32 },
  nistp384: { jwk: "P-384", hash: "sha384", coordinate: 48 },
  nistp521: { jwk: "P-521", hash: "sha512", coordinate: 66 },
};

/**
 * The bytes of an mpint that belongs to a curve, at the length of a coordinate: an mpint itself is
 * as long as its number happens to be.
 *
 * @throws {MalformedError} if it is longer
 */
export function atFullLength(mpint: Uint8Array, { coordinate }: EcdsaCurve): Uint8Array {
  const start = mpint[0] === 0 ? 1 : 0;
  const missing = coordinate - (mpint.length - start);
  if (missing < 0) throw new MalformedError("a number is too long for its curve");
  const bytes = new Uint8Array(coordinate);
  bytes.set(mpint.subarray(start), missing);
  return bytes;
}
