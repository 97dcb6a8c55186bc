/** `chacha20-poly1305@openssh.com` (OpenSSH's PROTOCOL.chacha20poly1305). */
import { chacha20orig } from "@noble/ciphers/chacha.js";
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { timingSafeEqual } from "node:crypto";
import { type CipherKeys, type Opener, plainLength, type Sealer } from "./cipher.ts";

/** The length of the tag, in bytes. */
const TAG = 16;

/** What both directions share. */
class ChaChaPoly {
  readonly blockLength = 8;
  readonly padsLength = false;
  readonly tagLength = TAG;
  readonly headLength = 4;
  /** For packets. */
  readonly #key: Uint8Array;
  /** For their length fields. */
  readonly #lengthKey: Uint8Array;
  readonly #nonce = new DataView(new ArrayBuffer(8));

  constructor({ key }: CipherKeys) {
    this.#key = key.subarray(0, 32);
    this.#lengthKey = key.subarray(32);
  }

  #nonceOf(sequence: number): Uint8Array {
    this.#nonce.setUint32(4, sequence);
    return new Uint8Array(this.#nonce.buffer);
  }

  /** Encrypts or decrypts the content of a packet in place. */
  crypt(sequence: number, content: Uint8Array): void {
    chacha20orig(this.#key, this.#nonceOf(sequence), content, content, 1);
  }

  /** Encrypts or decrypts a length field. */
  cryptLength(sequence: number, length: Uint8Array): Uint8Array {
    return chacha20orig(this.#lengthKey, this.#nonceOf(sequence), length);
  }

  computeTag(sequence: number, encrypted: Uint8Array): Uint8Array {
    const key = chacha20orig(this.#key, this.#nonceOf(sequence), new Uint8Array(32));
    return poly1305(encrypted, key);
  }

  close(): void {
    this.#key.fill(0);
    this.#lengthKey.fill(0);
  }
}

class ChaChaPolySealer extends ChaChaPoly implements Sealer {
  seal(sequence: number, packet: Uint8Array): void {
    const end = packet.length - TAG;
    packet.set(this.cryptLength(sequence, packet.subarray(0, 4)));
    this.crypt(sequence, packet.subarray(4, end));
    packet.set(this.computeTag(sequence, packet.subarray(0, end)), end);
  }
}

class ChaChaPolyOpener extends ChaChaPoly implements Opener {
  readLength(sequence: number, head: Uint8Array): number {
    return plainLength(this.cryptLength(sequence, head));
  }

  open(sequence: number, packet: Uint8Array): boolean {
    const end = packet.length - TAG;
    const tag = this.computeTag(sequence, packet.subarray(0, end));
    if (!timingSafeEqual(tag, packet.subarray(end))) return false;
    this.crypt(sequence, packet.subarray(4, end));
    return true;
  }
}

/** Encrypts with ChaCha20-Poly1305; takes the keys over. */
export function sealChaChaPoly(keys: CipherKeys): Sealer {
  return new ChaChaPolySealer(keys);
}

/** Decrypts what {@link sealChaChaPoly} encrypts. */
export function openChaChaPoly(keys: CipherKeys): Opener {
  return new ChaChaPolyOpener(keys);
}
