import { parsePublicKey } from "../keys/public_key.ts";
import { verifySignature } from "../keys/signature.ts";
import { Writer } from "../protocol/wire_format.ts";
import { SIGNATURE_ALGORITHMS } from "../transport/key_exchanges.ts";
import type { LoginRefusal } from "./authentication.ts";

/** A signed attempt to log in by a public key (RFC 4252, section 7). */
export interface SignedRequest {
  algorithm: string;
  /** The public key. */
  blob: Uint8Array;
  signature: Uint8Array;
  /** The payload of the packet, up to the signature. */
  request: Uint8Array;
}

/** Whether the signature is the key's, over the session ID and the request before it. */
export function isSigned(signed: SignedRequest, sessionId: Uint8Array): boolean {
  const { algorithm, blob, signature, request } = signed;
  const data = new Writer().string(sessionId).raw(request).bytes();
  try {
    return verifySignature(parsePublicKey(blob), algorithm, signature, data);
  } catch {
    return false;
  }
}

/** Why a client may not sign by an algorithm, if so. */
export function checkAlgorithm(algorithm: string): LoginRefusal | undefined {
  if (SIGNATURE_ALGORITHMS.includes(algorithm)) return;
  return {
    refused: algorithm === "ssh-rsa"
      ? "the client signs with SHA-1; update it"
      : `the signature algorithm "${algorithm}" is not supported`,
  };
}
