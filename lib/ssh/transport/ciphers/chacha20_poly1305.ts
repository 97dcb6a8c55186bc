/** `chacha20-poly1305@openssh.com` (OpenSSH's PROTOCOL.chacha20poly1305). */
import { type CipherKeys, type Opener, plainLength, type Sealer } from "./cipher.ts";
import type { Sodium } from "./sodium.ts";

/** The length of the tag, in bytes. */
const TAG = 16;

/** What both directions share. */
class ChaChaPoly {
  readonly blockLength = 8;
  readonly padsLength = false;
  readonly tagLength = TAG;
  readonly headLength = 4;
  readonly #sodium: Sodium;
  /** For packets. */
  readonly #key: Uint8Array;
  /** For their length fields. */
  readonly #lengthKey: Uint8Array;
  /** The number of the packet, with 64 bits. */
  readonly #nonce = new Uint8Array(8);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  /** Authenticates one packet. */
  readonly #tagKey = new Uint8Array(32);

  constructor(sodium: Sodium, { key }: CipherKeys) {
    this.#sodium = sodium;
    this.#key = key.subarray(0, 32);
    this.#lengthKey = key.subarray(32);
  }

  /** Encrypts or decrypts the length field of a packet. */
  cryptLength(sequence: number, out: Uint8Array, length: Uint8Array): void {
    this.#nonceView.setUint32(4, sequence);
    this.#sodium.crypto_stream_chacha20_xor_ic(out, length, this.#nonce, 0, this.#lengthKey);
  }

  /** Encrypts or decrypts the rest of a packet in place. */
  crypt(sequence: number, content: Uint8Array): void {
    this.#nonceView.setUint32(4, sequence);
    this.#sodium.crypto_stream_chacha20_xor_ic(content, content, this.#nonce, 1, this.#key);
  }

  writeTag(sequence: number, encrypted: Uint8Array, tag: Uint8Array): void {
    this.#setTagKey(sequence);
    this.#sodium.crypto_onetimeauth(tag, encrypted, this.#tagKey);
  }

  verifyTag(sequence: number, encrypted: Uint8Array, tag: Uint8Array): boolean {
    this.#setTagKey(sequence);
    return this.#sodium.crypto_onetimeauth_verify(tag, encrypted, this.#tagKey);
  }

  #setTagKey(sequence: number): void {
    this.#nonceView.setUint32(4, sequence);
    this.#sodium.crypto_stream_chacha20(this.#tagKey, this.#nonce, this.#key);
  }

  close(): void {
    for (const key of [this.#key, this.#lengthKey, this.#tagKey]) key.fill(0);
  }
}

class ChaChaPolySealer extends ChaChaPoly implements Sealer {
  seal(sequence: number, packet: Uint8Array): void {
    const end = packet.length - TAG;
    const length = packet.subarray(0, 4);
    this.cryptLength(sequence, length, length);
    this.crypt(sequence, packet.subarray(4, end));
    this.writeTag(sequence, packet.subarray(0, end), packet.subarray(end));
  }
}

class ChaChaPolyOpener extends ChaChaPoly implements Opener {
  readonly #length = new Uint8Array(4);

  readLength(sequence: number, head: Uint8Array): number {
    // Not in place: the tag is over the encrypted length.
    this.cryptLength(sequence, this.#length, head);
    return plainLength(this.#length);
  }

  open(sequence: number, packet: Uint8Array): boolean {
    const end = packet.length - TAG;
    if (!this.verifyTag(sequence, packet.subarray(0, end), packet.subarray(end))) return false;
    this.crypt(sequence, packet.subarray(4, end));
    return true;
  }
}

/** Encrypts with ChaCha20-Poly1305; takes the keys over. */
export function sealChaChaPoly(sodium: Sodium, keys: CipherKeys): Sealer {
  return new ChaChaPolySealer(sodium, keys);
}

/** Decrypts what {@link sealChaChaPoly} encrypts. */
export function openChaChaPoly(sodium: Sodium, keys: CipherKeys): Opener {
  return new ChaChaPolyOpener(sodium, keys);
}
