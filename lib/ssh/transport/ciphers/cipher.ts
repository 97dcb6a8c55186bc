/** What the packets of one direction are encrypted with (RFC 4253, section 6). */

/** How packets look under a cipher. */
export interface PacketFormat {
  /** The length of a packet is a multiple of this, in bytes. */
  readonly blockLength: number;
  /** Whether that multiple includes the four bytes of the packet's length. */
  readonly padsLength: boolean;
  /** Bytes that follow the packet to authenticate it. */
  readonly tagLength: number;
}

/** Encrypts packets. */
export interface Sealer extends PacketFormat {
  /**
   * Encrypts a packet in place and writes its tag.
   *
   * @param sequence the number of the packet in its direction, modulo 2^32
   * @param packet the length, the rest of the packet, and room for the tag
   */
  seal(sequence: number, packet: Uint8Array): void;
  /** Wipes the keys; to be called once. */
  close(): void;
}

/** Decrypts packets. */
export interface Opener extends PacketFormat {
  /** Bytes of a packet that {@link readLength} needs. */
  readonly headLength: number;
  /**
   * Reads the length field of a packet, in bytes; to be called once for each packet.
   *
   * @param head the first bytes of the packet, which may be decrypted in place
   */
  readLength(sequence: number, head: Uint8Array): number;
  /**
   * Authenticates a packet and decrypts it in place.
   *
   * @param packet the packet with its head, and its tag
   * @returns whether the tag is right; if not, the packet must not be used
   */
  open(sequence: number, packet: Uint8Array): boolean;
  /** Wipes the keys; to be called once. */
  close(): void;
}

/** What a cipher needs from a key exchange. */
export interface CipherKeys {
  iv: Uint8Array;
  key: Uint8Array;
  /** Empty for a cipher that authenticates by itself. */
  macKey: Uint8Array;
}

/** The length field at the beginning of a packet that does not encrypt it. */
export function plainLength(bytes: Uint8Array): number {
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}

/** What packets are like until the first keys are in use: neither encrypted nor authenticated. */
export const PLAIN: Sealer & Opener = {
  blockLength: 8,
  padsLength: true,
  tagLength: 0,
  headLength: 4,
  seal() {},
  readLength: (_sequence, head) => plainLength(head),
  open: () => true,
  close() {},
};
