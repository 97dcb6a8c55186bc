/**
 * Announces the host keys and proves that the server has them, so that a client can remember those
 * that it did not ask for, or another name (OpenSSH's PROTOCOL, section 2.5).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type GlobalRequestHandler, Refused } from "./handler.ts";
import type { HostKey } from "../keys/host_key.ts";
import { Message } from "../protocol/numbers.ts";
import type { Transport } from "../transport/transport.ts";
import { Reader, Writer } from "../protocol/wire_format.ts";

/** The global request by which a client asks for proofs. */
export const PROVE_HOST_KEYS = "hostkeys-prove-00@openssh.com";

/** Sends the host keys to a client that has just logged in. */
export function announceHostKeys(transport: Transport, hostKeys: readonly HostKey[]): void {
  const message = new Writer().byte(Message.globalRequest).string("hostkeys-00@openssh.com")
    .boolean(false);
  for (const { blob } of hostKeys) message.string(blob);
  transport.send(message.bytes());
}

/**
 * Serves {@link PROVE_HOST_KEYS}: signs the session's identifier with each key that is asked for.
 */
export function hostKeyProver(
  transport: Transport,
  hostKeys: readonly HostKey[],
): GlobalRequestHandler {
  return (request) => {
    const asked = new Reader(request.data);
    const left = new Set(hostKeys);
    const proofs = new Writer();
    do {
      const blob = asked.string();
      const key = hostKeys.find((key) => Buffer.compare(blob, key.blob) === 0);
      // One proof of each: a client cannot make the server sign again and again.
      if (!key || !left.delete(key)) throw new Refused("that is not a host key");
      const signed = new Writer().string(PROVE_HOST_KEYS).string(transport.sessionId).string(blob);
      proofs.string(key.sign(proofAlgorithm(key, transport.hostKeyAlgorithm), signed.bytes()));
    } while (asked.left > 0);
    return Promise.resolve(proofs.bytes());
  };
}

/** A client expects the signature of the key exchange, if the key has several. */
function proofAlgorithm({ algorithms }: HostKey, agreed: string): string {
  return algorithms.includes(agreed) ? agreed : algorithms[0]!;
}
