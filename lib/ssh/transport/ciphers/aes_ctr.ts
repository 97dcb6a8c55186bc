/** AES in counter mode (RFC 4344) with a MAC beside it. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { type CipherKeys, type Opener, plainLength, type Sealer } from "./cipher.ts";
import { Mac, type MacAlgorithm } from "./mac.ts";

/** The length of AES's block, in bytes. */
const BLOCK = 16;

/** The cipher of node:crypto, which counts on from packet to packet. */
interface Keystream {
  update(bytes: Uint8Array): Uint8Array;
  final(): Uint8Array;
}

/** What both directions share. */
class AesCtr {
  readonly blockLength = BLOCK;
  readonly padsLength: boolean;
  readonly tagLength: number;
  readonly mac: Mac;
  readonly #keystream: Keystream;

  constructor(keystream: Keystream, keys: CipherKeys, mac: MacAlgorithm) {
    this.#keystream = keystream;
    this.mac = new Mac(mac, keys.macKey);
    this.tagLength = mac.length;
    this.padsLength = !mac.encryptsFirst;
    keys.key.fill(0);
  }

  /** Encrypts or decrypts in place. */
  crypt(bytes: Uint8Array): void {
    if (bytes.length > 0) bytes.set(this.#keystream.update(bytes));
  }

  close(): void {
    // Deno frees a cipher only then.
    this.#keystream.final();
    this.mac.close();
  }
}

class AesCtrSealer extends AesCtr implements Sealer {
  seal(sequence: number, packet: Uint8Array): void {
    const end = packet.length - this.tagLength;
    const [content, tag] = [packet.subarray(0, end), packet.subarray(end)];
    if (this.padsLength) {
      this.mac.write(sequence, content, tag);
      this.crypt(content);
    } else {
      this.crypt(content.subarray(4));
      this.mac.write(sequence, content, tag);
    }
  }
}

class AesCtrOpener extends AesCtr implements Opener {
  readonly headLength = this.padsLength ? BLOCK : 4;

  readLength(_sequence: number, head: Uint8Array): number {
    // Not in plain text where the MAC is over the plain text.
    if (this.padsLength) this.crypt(head);
    return plainLength(head);
  }

  open(sequence: number, packet: Uint8Array): boolean {
    const end = packet.length - this.tagLength;
    const [content, tag] = [packet.subarray(0, end), packet.subarray(end)];
    const rest = content.subarray(this.headLength);
    if (this.padsLength) {
      this.crypt(rest);
      return this.mac.verify(sequence, content, tag);
    }
    if (!this.mac.verify(sequence, content, tag)) return false;
    this.crypt(rest);
    return true;
  }
}

/** Encrypts with `aes-128-ctr` or another of node:crypto's names; takes the keys over. */
export function sealAesCtr(name: string, keys: CipherKeys, mac: MacAlgorithm): Sealer {
  return new AesCtrSealer(createCipheriv(name, keys.key, keys.iv), keys, mac);
}

/** Decrypts what {@link sealAesCtr} encrypts. */
export function openAesCtr(name: string, keys: CipherKeys, mac: MacAlgorithm): Opener {
  return new AesCtrOpener(createDecipheriv(name, keys.key, keys.iv), keys, mac);
}
