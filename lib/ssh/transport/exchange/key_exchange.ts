import { createHash } from "node:crypto";
import type { HostKey } from "../../keys/host_key.ts";
import { Message } from "../../protocol/numbers.ts";
import { MalformedError, Reader, Writer } from "../../protocol/wire_format.ts";
import type { Opener, Sealer } from "../ciphers/cipher.ts";
import { CIPHERS } from "../ciphers/ciphers.ts";
import { MACS } from "../ciphers/mac.ts";
import { agree, type Agreement, createOffer } from "./algorithms.ts";

export interface KeyExchangeOptions {
  hostKeys: readonly HostKey[];
  /** The identification strings of both sides, without their line ends. */
  clientVersion: Uint8Array;
  serverVersion: Uint8Array;
  /** Of the connection, unless this is its first exchange. */
  sessionId?: Uint8Array;
}

/** What an exchange results in. */
export interface ExchangedKeys {
  /** The answer to the client, to be sent before SSH_MSG_NEWKEYS. */
  reply: Uint8Array;
  sessionId: Uint8Array;
  /** For what the server sends. */
  sealer: Sealer;
  /** For what the client sends. */
  opener: Opener;
}

/** The server's side of one key exchange (RFC 4253, sections 7 and 8). */
export class KeyExchange {
  /** Our SSH_MSG_KEXINIT; to be sent first. */
  readonly init: Uint8Array;
  readonly #options: KeyExchangeOptions;
  #clientInit?: Uint8Array;
  #agreement?: Agreement;
  #skipNext = false;

  constructor(options: KeyExchangeOptions) {
    this.#options = options;
    this.init = createOffer(options.hostKeys.flatMap(({ algorithms }) => algorithms));
  }

  /** Set once the client's SSH_MSG_KEXINIT has come. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  /**
   * Takes the client's SSH_MSG_KEXINIT.
   *
   * @throws {MalformedError | TransportError} if it is invalid or there is nothing in common
   */
  receiveInit(payload: Uint8Array): Agreement {
    this.#clientInit = new Uint8Array(payload);
    this.#agreement = agree(this.init, payload);
    this.#skipNext = this.#agreement.guessedWrong;
    return this.#agreement;
  }

  /**
   * Takes the client's next message, in an exchange that has an {@link agreement}.
   *
   * @returns nothing if the message was a wrong guess
   * @throws {MalformedError} if it is invalid
   */
  receive(payload: Uint8Array): ExchangedKeys | undefined {
    if (this.#skipNext) {
      this.#skipNext = false;
      return;
    }
    if (payload[0] !== Message.exchangeInit) {
      throw new MalformedError("a wrong key exchange message");
    }
    const reader = new Reader(payload.subarray(1));
    const clientValue = reader.string();
    if (reader.left > 0) throw new MalformedError("the key exchange message is too long");
    const { clientVersion, serverVersion, hostKeys } = this.#options;
    const { method, hostKeyAlgorithm } = this.#agreement!;
    const hostKey = hostKeys.find(({ algorithms }) => algorithms.includes(hostKeyAlgorithm))!;
    const { value, secret } = method.respond(clientValue);
    const exchanged = new Writer().string(clientVersion).string(serverVersion)
      .string(this.#clientInit!).string(this.init).string(hostKey.blob)
      .string(clientValue).string(value).raw(secret).bytes();
    const hash = createHash(method.hash).update(exchanged).digest();
    exchanged.fill(0);
    const reply = new Writer().byte(Message.exchangeReply).string(hostKey.blob).string(value)
      .string(hostKey.sign(hostKeyAlgorithm, hash)).bytes();
    const sessionId = this.#options.sessionId ?? hash;
    return { reply, sessionId, ...this.#ciphers(secret, hash, sessionId) };
  }

  #ciphers(secret: Uint8Array, hash: Uint8Array, sessionId: Uint8Array) {
    const { method, ciphers, macs } = this.#agreement!;
    const derive = (letter: string, length: number) =>
      deriveKey(method.hash, { secret, hash, sessionId, letter, length });
    const keys = (direction: 0 | 1, [iv, key, mac]: string) => {
      const cipher = CIPHERS[ciphers[direction]]!;
      const macLength = MACS[macs[direction] ?? ""]?.length ?? 0;
      return {
        iv: derive(iv!, cipher.ivLength),
        key: derive(key!, cipher.keyLength),
        macKey: derive(mac!, macLength),
      };
    };
    const mac = (direction: 0 | 1) => MACS[macs[direction] ?? ""];
    const opener = CIPHERS[ciphers[0]]!.open(keys(0, "ACE"), mac(0));
    const sealer = CIPHERS[ciphers[1]]!.seal(keys(1, "BDF"), mac(1));
    secret.fill(0);
    return { opener, sealer };
  }
}

/** Derives a key of `length` bytes (RFC 4253, section 7.2). */
function deriveKey(hashName: string, from: {
  secret: Uint8Array;
  hash: Uint8Array;
  sessionId: Uint8Array;
  /** What the key is for: A to F. */
  letter: string;
  length: number;
}): Uint8Array {
  const { secret, hash, sessionId, letter, length } = from;
  const key = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const digest = createHash(hashName).update(secret).update(hash);
    if (filled === 0) digest.update(letter).update(sessionId);
    else digest.update(key.subarray(0, filled));
    const bytes = digest.digest().subarray(0, length - filled);
    key.set(bytes, filled);
    filled += bytes.length;
  }
  return key;
}
