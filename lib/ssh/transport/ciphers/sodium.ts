import { errorMessage } from "../../../text/error_message.ts";

/** What is used of libsodium; the names and arguments are its own, but for lengths. */
export interface Sodium {
  /** Fills `out` with the key stream from its beginning. */
  crypto_stream_chacha20(out: Uint8Array, nonce: Uint8Array, key: Uint8Array): void;
  /** Encrypts or decrypts from the block `counter` on; `out` may be `input`. */
  crypto_stream_chacha20_xor_ic(
    out: Uint8Array,
    input: Uint8Array,
    nonce: Uint8Array,
    counter: number,
    key: Uint8Array,
  ): void;
  /** Writes the Poly1305 tag of `input`. */
  crypto_onetimeauth(tag: Uint8Array, input: Uint8Array, key: Uint8Array): void;
  /** Whether the tag is that of `input`; takes as long for any tag. */
  crypto_onetimeauth_verify(tag: Uint8Array, input: Uint8Array, key: Uint8Array): boolean;
}

/**
 * libsodium, or why it is missing: it is native code, which not every build and system can load.
 */
export const sodium: Sodium | { missing: string } = await load();

async function load(): Promise<typeof sodium> {
  try {
    const { default: loaded } = await import("sodium-native");
    return loaded as Sodium;
  } catch (error) {
    return { missing: errorMessage(error) };
  }
}
