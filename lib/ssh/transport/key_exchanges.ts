import type { HostKey } from "../keys/host_key.ts";
import { Message } from "../protocol/numbers.ts";
import { MalformedError, Writer } from "../protocol/wire_format.ts";
import type { Opener } from "./ciphers/cipher.ts";
import { KeyExchange } from "./exchange/key_exchange.ts";
import type { Outgoing } from "./outgoing.ts";
import type { PacketReader } from "./packet_reader.ts";

/** How many bytes may wait for new keys. */
const MAX_HELD = 1024 * 1024;

/** What a packet counts, besides its payload, while it waits for new keys, in bytes. */
const HELD_PACKET_BYTES = 100;

/** Bytes after which keys are exchanged again (RFC 4253, section 9). */
const REKEY_BYTES = 1024 ** 3;

/** Signatures that clients may log in with, told to them by server-sig-algs (RFC 8308). */
export const SIGNATURE_ALGORITHMS = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

export interface KeyExchangesOptions {
  hostKeys: readonly HostKey[];
  /** The server's identification string, without its line end. */
  serverVersion: Uint8Array;
  /** Bytes, both ways together, after which keys are exchanged again. @default 1 GiB */
  rekeyBytes?: number;
  /** Reads with the client's new keys, once it uses them. */
  reader: PacketReader;
  /** Sends with our new keys, once there are some. */
  outgoing: Outgoing;
}

/**
 * The key exchanges of one connection (RFC 4253, sections 7 to 9), and what has to wait while one
 * is under way; with clients that know it, by the strict rules of OpenSSH's PROTOCOL, section 1.10.
 */
export class KeyExchanges {
  readonly #options: KeyExchangesOptions;
  readonly #reader: PacketReader;
  readonly #outgoing: Outgoing;
  readonly #rekeyBytes: number;
  #clientVersion?: Uint8Array;
  #sessionId?: Uint8Array;
  #hostKeyAlgorithm = "";
  /** The exchange that is under way. */
  #exchange?: KeyExchange;
  /** What the client uses from its SSH_MSG_NEWKEYS on, which is yet to come. */
  #nextOpener?: Opener;
  /** Packets that wait for the new keys. */
  #held: Uint8Array[][] = [];
  #heldBytes = 0;
  #established = false;
  /** Whether both sides follow the strict rules, as agreed on in the first exchange. */
  #strict = false;
  #bytesSinceKeys = 0;

  constructor(options: KeyExchangesOptions) {
    this.#options = options;
    ({ reader: this.#reader, outgoing: this.#outgoing } = options);
    this.#rekeyBytes = options.rekeyBytes ?? REKEY_BYTES;
  }

  /** Whether the client uses its first keys. */
  get established(): boolean {
    return this.#established;
  }

  /** The session identifier (RFC 4253, section 7.2), once the first keys are exchanged. */
  get sessionId(): Uint8Array | undefined {
    return this.#sessionId;
  }

  /** The signature of the host key that was agreed on last. */
  get hostKeyAlgorithm(): string {
    return this.#hostKeyAlgorithm;
  }

  /** Whether our SSH_MSG_KEXINIT is out and our SSH_MSG_NEWKEYS is not. */
  get isHolding(): boolean {
    return this.#exchange !== undefined && this.#nextOpener === undefined;
  }

  /** Starts the first exchange, with a client of that identification string. */
  begin(clientVersion: Uint8Array): void {
    this.#clientVersion = clientVersion;
    this.#start();
  }

  /** Counts bytes of either way, and starts another exchange when it is due. */
  count(bytes: number): void {
    this.#bytesSinceKeys += bytes;
    if (this.#bytesSinceKeys <= this.#rekeyBytes) return;
    if (this.#established && !this.#exchange) this.#start();
  }

  /**
   * Sends a packet whose payload has these parts, or keeps it until there are new keys.
   *
   * @returns false if too much is kept already
   */
  send(...parts: Uint8Array[]): boolean {
    if (!this.isHolding) {
      this.#outgoing.send(...parts);
      return true;
    }
    this.#heldBytes += HELD_PACKET_BYTES;
    for (const { length } of parts) this.#heldBytes += length;
    if (this.#heldBytes > MAX_HELD) return false;
    this.#held.push(parts.map((part) => new Uint8Array(part)));
    return true;
  }

  /**
   * Takes a packet if it belongs to an exchange.
   *
   * @returns whether it does
   * @throws {MalformedError | TransportError} if it is invalid, or not expected now
   */
  receive(payload: Uint8Array): boolean {
    const type = payload[0]!;
    if (type === Message.kexinit) this.#receiveInit(payload);
    else if (type === Message.newKeys) this.#useNewOpener();
    else if (type >= Message.exchangeInit && type < Message.userauthRequest) {
      this.#receiveExchange(payload);
    } else return false;
    return true;
  }

  /**
   * Whether the client may send a packet now that belongs to no exchange.
   *
   * @param isIgnored whether it is one that means nothing, such as SSH_MSG_IGNORE
   */
  permits(isIgnored: boolean): boolean {
    if (!this.#established) return isIgnored && !this.#strict;
    return isIgnored || this.#exchange?.agreement === undefined;
  }

  /** Wipes keys that were never used. */
  close(): void {
    this.#nextOpener?.close();
  }

  /** Sends our SSH_MSG_KEXINIT; what else is sent has to wait for the new keys. */
  #start(): KeyExchange {
    const { hostKeys, serverVersion } = this.#options;
    this.#exchange = new KeyExchange({
      hostKeys,
      clientVersion: this.#clientVersion!,
      serverVersion,
      sessionId: this.#sessionId,
    });
    this.#outgoing.send(this.#exchange.init);
    return this.#exchange;
  }

  #receiveInit(payload: Uint8Array): void {
    if (this.#exchange?.agreement) {
      throw new MalformedError("the client sent SSH_MSG_KEXINIT twice");
    }
    const { strict } = (this.#exchange ?? this.#start()).receiveInit(payload);
    if (this.#established) return;
    this.#strict = strict;
    if (strict && this.#reader.sequence !== 1) {
      throw new MalformedError("the client did not begin with SSH_MSG_KEXINIT");
    }
  }

  #receiveExchange(payload: Uint8Array): void {
    const agreement = this.#exchange?.agreement;
    if (!agreement || this.#nextOpener) {
      throw new MalformedError("a key exchange message that is not expected");
    }
    const keys = this.#exchange!.receive(payload);
    if (!keys) return;
    this.#outgoing.send(keys.reply);
    this.#outgoing.send(Uint8Array.of(Message.newKeys));
    this.#outgoing.setSealer(keys.sealer, this.#strict);
    this.#nextOpener = keys.opener;
    this.#sessionId = keys.sessionId;
    this.#hostKeyAlgorithm = agreement.hostKeyAlgorithm;
    if (!this.#established && agreement.wantsExtInfo) this.#outgoing.send(extInfo());
    for (const parts of this.#held.splice(0)) this.#outgoing.send(...parts);
    this.#heldBytes = 0;
    this.#bytesSinceKeys = 0;
  }

  #useNewOpener(): void {
    if (!this.#nextOpener) throw new MalformedError("the client sent SSH_MSG_NEWKEYS too early");
    this.#reader.setOpener(this.#nextOpener, this.#strict);
    this.#nextOpener = undefined;
    this.#exchange = undefined;
    this.#established = true;
  }
}

/** Tells the client which signatures it may log in with (RFC 8308, section 3.1). */
function extInfo(): Uint8Array {
  return new Writer().byte(Message.extInfo).uint32(1)
    .string("server-sig-algs").string(SIGNATURE_ALGORITHMS.join(",")).bytes();
}
