import { DisconnectReason } from "../protocol/numbers.ts";
import { type Opener, PLAIN } from "./ciphers/cipher.ts";
import { TransportError } from "./transport_error.ts";

/**
 * The longest packet that is taken, in bytes of its length field: as long as OpenSSH's own, so that
 * a long command fits.
 */
const MAX_PACKET_LENGTH = 256 * 1024;

/** The longest packet until {@link PacketReader.allowLongPackets} (RFC 4253, section 6.1). */
const MAX_FIRST_LENGTH = 35_000;

/** The shortest: the padding's length and four bytes of padding. */
const MIN_PACKET_LENGTH = 5;

/** Up to what size memory for a packet in pieces is kept for the next one, in bytes. */
const MAX_SPARE = 64 * 1024;

/** Cuts a stream of bytes into packets and decrypts them (RFC 4253, section 6). */
export class PacketReader {
  #opener: Opener = PLAIN;
  #sequence = 0;
  /** What has come and is not read yet. */
  #bytes: Uint8Array = new Uint8Array();
  /** The beginning of a packet whose rest has not come yet. */
  #partial = new Uint8Array();
  #partialLength = 0;
  /** The length of the packet that is being read, with its tag, once that is known. */
  #packetLength?: number;
  #maxLength = MAX_FIRST_LENGTH;

  /** The number of the next packet, modulo 2^32. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * Decrypts what follows with `opener`.
   *
   * @param reset begins to count packets again, from 0
   */
  setOpener(opener: Opener, reset: boolean): void {
    this.#opener.close();
    this.#opener = opener;
    if (reset) this.#sequence = 0;
  }

  /** Takes packets of up to {@link MAX_PACKET_LENGTH} from here on. */
  allowLongPackets(): void {
    this.#maxLength = MAX_PACKET_LENGTH;
  }

  /**
   * Adds bytes, which belong to the reader until they are read; all before them must have been
   * read.
   */
  add(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }

  /**
   * Reads the payload of the next packet, or undefined if not all of that has come. It is good
   * until the next call.
   *
   * @throws {TransportError} if the packet is invalid or was changed on its way
   */
  next(): Uint8Array | undefined {
    const opener = this.#opener;
    if (this.#packetLength === undefined) {
      const head = this.#peek(opener.headLength);
      if (!head) return;
      const length = opener.readLength(this.#sequence, head);
      this.#checkLength(length);
      this.#packetLength = 4 + length + opener.tagLength;
    }
    const packet = this.#peek(this.#packetLength);
    if (!packet) return;
    if (!opener.open(this.#sequence, packet)) {
      throw new TransportError(
        "a packet was corrupted or modified in transit",
        DisconnectReason.macError,
      );
    }
    this.#drop(this.#packetLength);
    this.#packetLength = undefined;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const end = packet.length - opener.tagLength - packet[4]!;
    if (end <= 5) throw new TransportError("an empty packet", DisconnectReason.protocolError);
    return packet.subarray(5, end);
  }

  /** Wipes the keys; to be called once. */
  close(): void {
    this.#opener.close();
  }

  /** The next `count` bytes in one piece, or undefined if they have not come yet. */
  #peek(count: number): Uint8Array | undefined {
    if (this.#partialLength === 0 && this.#bytes.length >= count) {
      return this.#bytes.subarray(0, count);
    }
    if (this.#partial.length < count) {
      const partial = new Uint8Array(count);
      partial.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = partial;
    }
    const more = this.#bytes.subarray(0, count - this.#partialLength);
    this.#partial.set(more, this.#partialLength);
    this.#partialLength += more.length;
    this.#bytes = this.#bytes.subarray(more.length);
    return this.#partialLength < count ? undefined : this.#partial.subarray(0, count);
  }

  /** Goes on behind `count` bytes. */
  #drop(count: number): void {
    if (this.#partialLength === 0) {
      this.#bytes = this.#bytes.subarray(count);
    } else {
      if (this.#partial.length > MAX_SPARE) this.#partial = new Uint8Array();
      this.#partialLength = 0;
    }
  }

  /** Refuses a length field that is out of bounds or does not fit the cipher. */
  #checkLength(length: number): void {
    const { blockLength, padsLength } = this.#opener;
    const padded = padsLength ? length + 4 : length;
    if (length < MIN_PACKET_LENGTH || length > this.#maxLength || padded % blockLength !== 0) {
      throw new TransportError("a packet's length is invalid", DisconnectReason.protocolError);
    }
  }
}
