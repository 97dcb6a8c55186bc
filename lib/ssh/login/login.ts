import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error_message.ts";
import { delay } from "../../wire/delay.ts";
import type { Admitted } from "./admission.ts";
import {
  type AuthenticationOptions,
  checkKey,
  checkPassword,
  type Decision,
  type Identity,
  loginMethods,
} from "./authentication.ts";
import { DisconnectReason, Message } from "../protocol/numbers.ts";
import { fingerprint } from "../keys/public_key.ts";
import type { Transport } from "../transport/transport.ts";
import { checkAlgorithm, isSigned } from "./signed_request.ts";
import { MalformedError, Reader, Writer } from "../protocol/wire_format.ts";

/** How many wrong passwords and signatures end the connection. */
const MAX_FAILURES = 6;

/** How many attempts of any kind a client has: enough to offer each key of a full agent. */
const MAX_ATTEMPTS = 64;

export interface LoginOptions {
  authentication: AuthenticationOptions;
  address: string;
  /** Shown before anybody logs in (RFC 4252, section 5.4). */
  banner?: string;
  admitted: Admitted;
  log: Log;
}

/** One attempt; the method's own fields are not read yet. */
interface Attempt {
  username: string;
  method: string;
  fields: Reader;
  payload: Uint8Array;
}

/** The login of one connection (RFC 4252). */
export class Login {
  readonly #transport: Transport;
  readonly #options: LoginOptions;
  readonly #onSuccess: (identity: Identity) => void;
  #serviceStarted = false;
  #succeeded = false;
  #attempts = 0;
  #failures = 0;
  /** Attempts are decided one after the other. */
  #queue: Promise<void> = Promise.resolve();
  /** Why keys that the client only offered were refused; logged if no other key logs in. */
  readonly #refusedKeys = new Map<string, string>();
  /** The user of the keyboard-interactive attempt whose prompt was sent and not answered yet. */
  #prompted?: string;
  /** Aborted when the connection has ended. */
  readonly #ended = new AbortController();

  constructor(
    transport: Transport,
    options: LoginOptions,
    onSuccess: (identity: Identity) => void,
  ) {
    this.#transport = transport;
    this.#options = options;
    this.#onSuccess = onSuccess;
  }

  /**
   * Takes one packet.
   *
   * @throws {MalformedError} if it breaks the protocol
   */
  receive(type: number, payload: Uint8Array): void {
    const message = new Reader(payload.subarray(1));
    if (type === Message.serviceRequest) return this.#serviceRequest(message.text());
    if (type === Message.userauthInfoResponse && this.#serviceStarted) {
      return this.#enqueue(() => this.#answered(message));
    }
    if (type !== Message.userauthRequest || !this.#serviceStarted) {
      throw new MalformedError(`a message of type ${type} before the login`);
    }
    const [username, service, method] = [message.text(), message.text(), message.text()];
    if (service !== "ssh-connection") {
      return this.#transport.disconnect(
        DisconnectReason.serviceNotAvailable,
        `no service "${service}"`,
      );
    }
    if (++this.#attempts > MAX_ATTEMPTS) return this.#tooMany();
    this.#enqueue(() => this.#decide({ username, method, fields: message, payload }));
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      // After a success the rest is ignored (RFC 4252, section 5.1).
      if (!this.#succeeded && !this.#ended.signal.aborted) await work();
    }).catch((error) => {
      this.#transport.disconnect(DisconnectReason.protocolError, errorMessage(error));
    });
  }

  /** To be called when the connection has ended; logs why nobody logged in. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#queue;
    if (this.#succeeded) return;
    const { address, log } = this.#options;
    for (const [key, reason] of this.#refusedKeys) {
      log.warn("login refused", { address, method: "publickey", key, reason });
    }
    if (this.#attempts > 0 && this.#refusedKeys.size === 0 && this.#failures === 0) {
      log.info("client disconnected without logging in", { address });
    }
  }

  #serviceRequest(service: string): void {
    if (service !== "ssh-userauth") {
      return this.#transport.disconnect(
        DisconnectReason.serviceNotAvailable,
        `no service "${service}"`,
      );
    }
    this.#serviceStarted = true;
    this.#transport.send(new Writer().byte(Message.serviceAccept).string(service).bytes());
    const { banner } = this.#options;
    if (banner === undefined) return;
    this.#transport.send(
      new Writer().byte(Message.userauthBanner).string(banner).string("").bytes(),
    );
  }

  async #decide(attempt: Attempt): Promise<void> {
    if (this.#failures >= MAX_FAILURES) return;
    this.#prompted = undefined;
    const { authentication } = this.#options;
    switch (attempt.method) {
      case "publickey":
        return await this.#publicKey(attempt);
      case "password":
        return await this.#password(attempt);
      case "keyboard-interactive":
        if (authentication.password) return this.#prompt(attempt.username);
        return this.#sendFailure();
      default:
        this.#sendFailure();
    }
  }

  async #password({ username, fields }: Attempt): Promise<void> {
    const isChange = fields.boolean();
    const password = fields.text();
    const decision = isChange
      ? { refused: "passwords cannot be changed" }
      : await checkPassword(this.#options.authentication, { username, password });
    await this.#answer(decision, { method: "password" });
  }

  /** Asks for the password by keyboard-interactive (RFC 4256, section 3.2). */
  #prompt(username: string): void {
    this.#prompted = username;
    this.#transport.send(
      // No name, instruction or language; one prompt, whose answer is not shown.
      new Writer().byte(Message.userauthInfoRequest).string("").string("").string("").uint32(1)
        .string("Password: ").boolean(false).bytes(),
    );
  }

  async #answered(message: Reader): Promise<void> {
    const username = this.#prompted;
    if (username === undefined) throw new MalformedError("an answer without a prompt");
    this.#prompted = undefined;
    if (message.uint32() !== 1) throw new MalformedError("not one answer to one prompt");
    const password = message.text();
    const decision = await checkPassword(this.#options.authentication, { username, password });
    await this.#answer(decision, { method: "keyboard-interactive" });
  }

  async #publicKey({ username, fields, payload }: Attempt): Promise<void> {
    const signed = fields.boolean();
    const [algorithm, blob] = [fields.text(), fields.string()];
    const request = payload.subarray(0, payload.length - fields.left);
    const key = fingerprint(blob);
    const { address, authentication } = this.#options;
    let decision = await checkKey(authentication, { username, address, blob });
    if (!("refused" in decision)) decision = checkAlgorithm(algorithm) ?? decision;
    if (!signed) {
      if ("refused" in decision) {
        this.#refusedKeys.set(key, decision.refused);
        return this.#sendFailure();
      }
      return this.#transport.send(
        new Writer().byte(Message.userauthPublicKeyOk).string(algorithm).string(blob).bytes(),
      );
    }
    if (!("refused" in decision)) {
      const attempt = { algorithm, blob, signature: fields.string(), request };
      if (!isSigned(attempt, this.#transport.sessionId)) {
        decision = { refused: "invalid signature" };
      }
    }
    await this.#answer(decision, { method: "publickey", key });
  }

  async #answer(decision: Decision, attempt: { method: string; key?: string }): Promise<void> {
    const { address, admitted, log } = this.#options;
    if ("refused" in decision) {
      if (attempt.key) this.#refusedKeys.delete(attempt.key);
      this.#failures++;
      log.warn("login refused", { address, ...attempt, reason: decision.refused });
      await delay(admitted.failed(), this.#ended.signal);
      return this.#failures >= MAX_FAILURES ? this.#tooMany() : this.#sendFailure();
    }
    this.#succeeded = true;
    admitted.succeeded();
    log.info("login", { address, ...attempt, comment: decision.comment });
    this.#transport.send(new Writer().byte(Message.userauthSuccess).bytes());
    this.#onSuccess(decision);
  }

  #sendFailure(): void {
    const methods = loginMethods(this.#options.authentication).join(",");
    this.#transport.send(
      new Writer().byte(Message.userauthFailure).string(methods).boolean(false).bytes(),
    );
  }

  #tooMany(): void {
    this.#options.log.warn("too many login attempts", { address: this.#options.address });
    this.#transport.disconnect(
      DisconnectReason.noMoreAuthMethods,
      "Too many authentication failures",
    );
  }
}
