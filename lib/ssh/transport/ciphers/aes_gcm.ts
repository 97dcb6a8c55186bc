/** AES in Galois/counter mode (RFC 5647, as OpenSSH's PROTOCOL, section 1.6, corrects it). */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { type CipherKeys, type Opener, plainLength, type Sealer } from "./cipher.ts";

/** node:crypto's names of what is used here. */
export type AesGcmName = "aes-128-gcm" | "aes-256-gcm";

/** The length of the tag, in bytes. */
const TAG = 16;

/** What both directions share. */
class AesGcm {
  readonly blockLength = 16;
  readonly padsLength = false;
  readonly tagLength = TAG;
  readonly headLength = 4;
  readonly name: AesGcmName;
  readonly key: Uint8Array;
  readonly #nonce: Buffer;

  constructor(name: AesGcmName, { key, iv }: CipherKeys) {
    this.name = name;
    this.key = key;
    this.#nonce = Buffer.from(iv);
  }

  /** The nonce of the next packet: its last eight bytes count packets. */
  nextNonce(): Uint8Array {
    const nonce = Uint8Array.from(this.#nonce);
    this.#nonce.writeBigUInt64BE(BigInt.asUintN(64, this.#nonce.readBigUInt64BE(4) + 1n), 4);
    return nonce;
  }

  close(): void {
    this.key.fill(0);
  }
}

class AesGcmSealer extends AesGcm implements Sealer {
  seal(_sequence: number, packet: Uint8Array): void {
    const end = packet.length - TAG;
    const cipher = createCipheriv(this.name, this.key, this.nextNonce());
    cipher.setAAD(packet.subarray(0, 4));
    packet.set(cipher.update(packet.subarray(4, end)), 4);
    cipher.final();
    packet.set(cipher.getAuthTag(), end);
  }
}

class AesGcmOpener extends AesGcm implements Opener {
  readLength(_sequence: number, head: Uint8Array): number {
    return plainLength(head);
  }

  open(_sequence: number, packet: Uint8Array): boolean {
    const end = packet.length - TAG;
    const decipher = createDecipheriv(this.name, this.key, this.nextNonce());
    decipher.setAAD(packet.subarray(0, 4)).setAuthTag(packet.subarray(end));
    const content = decipher.update(packet.subarray(4, end));
    try {
      decipher.final();
    } catch {
      return false;
    }
    packet.set(content, 4);
    return true;
  }
}

/** Encrypts with AES-GCM; takes the keys over. */
export function sealAesGcm(name: AesGcmName, keys: CipherKeys): Sealer {
  return new AesGcmSealer(name, keys);
}

/** Decrypts what {@link sealAesGcm} encrypts. */
export function openAesGcm(name: AesGcmName, keys: CipherKeys): Opener {
  return new AesGcmOpener(name, keys);
}
