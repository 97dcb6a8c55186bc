import { DisconnectReason, Message } from "../ssh/protocol/numbers.ts";
import { MalformedError, Reader, Writer } from "../ssh/protocol/wire_format.ts";
import type { Transport } from "../ssh/transport/transport.ts";

/**
 * A login that always succeeds, by any method (RFC 4252, section 5.1): the jump host leads to
 * agents only, and they ask for keys themselves.
 */
export class OpenLogin {
  readonly #transport: Transport;
  readonly #onSuccess: (username: string) => void;
  #serviceStarted = false;

  constructor(transport: Transport, onSuccess: (username: string) => void) {
    this.#transport = transport;
    this.#onSuccess = onSuccess;
  }

  /**
   * Takes one packet.
   *
   * @throws {MalformedError} if it breaks the protocol
   */
  receive(type: number, payload: Uint8Array): void {
    const message = new Reader(payload.subarray(1));
    if (type === Message.serviceRequest) {
      const service = message.text();
      if (service !== "ssh-userauth") return this.#noService(service);
      this.#serviceStarted = true;
      this.#transport.send(new Writer().byte(Message.serviceAccept).string(service).bytes());
    } else if (type === Message.userauthRequest && this.#serviceStarted) {
      const [username, service] = [message.text(), message.text()];
      if (service !== "ssh-connection") return this.#noService(service);
      this.#transport.send(Uint8Array.of(Message.userauthSuccess));
      this.#onSuccess(username);
    } else {
      throw new MalformedError(`a message of type ${type} before the login`);
    }
  }

  #noService(service: string): void {
    const reason = DisconnectReason.serviceNotAvailable;
    this.#transport.disconnect(reason, `no service "${service}"`);
  }
}
