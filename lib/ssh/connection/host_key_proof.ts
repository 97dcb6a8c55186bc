/**
 * Announces the host key and proves that the server has it, so that a client that connected by
 * another name can remember it (OpenSSH's PROTOCOL, section 2.5).
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

/** Sends the host key to a client that has just logged in. */
export function announceHostKey(transport: Transport, hostKey: HostKey): void {
  transport.send(
    new Writer().byte(Message.globalRequest).string("hostkeys-00@openssh.com").boolean(false)
      .string(hostKey.blob).bytes(),
  );
}

/** Serves {@link PROVE_HOST_KEYS}: signs the session's identifier with the key. */
export function hostKeyProver(transport: Transport, hostKey: HostKey): GlobalRequestHandler {
  return (request) => {
    const asked = new Reader(request.data);
    const { blob, algorithms } = hostKey;
    // One key, one proof: a client cannot make the server sign again and again.
    if (Buffer.compare(asked.string(), blob) !== 0 || asked.left > 0) {
      throw new Refused("that is not the host key");
    }
    const signed = new Writer().string(PROVE_HOST_KEYS).string(transport.sessionId).string(blob);
    const proof = hostKey.sign(algorithms[0]!, signed.bytes());
    return Promise.resolve(new Writer().string(proof).bytes());
  };
}
