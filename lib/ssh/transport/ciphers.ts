/**
 * Deno frees a cipher of node:crypto when it has made its last bytes, and otherwise never (seen on
 * 2.7 and 2.9). ssh2 does not ask for these: at a gigabyte 30 MB would stay.
 *
 * Has to be imported before ssh2, which takes the functions over when it is loaded.
 *
 * @module
 */

// deno-lint-ignore-file no-explicit-any -- the inner parts of ssh2 have no types.
import crypto from "node:crypto";

for (const name of ["createCipheriv", "createDecipheriv"] as const) {
  const create: any = crypto[name];
  (crypto as any)[name] = (algorithm: string, ...rest: unknown[]) => {
    const cipher = create(algorithm, ...rest);
    if (algorithm !== "chacha20") return cipher;
    // ssh2 makes one for a piece of a packet and uses it once.
    const { update } = cipher;
    cipher.update = (data: Uint8Array) => {
      const bytes = update.call(cipher, data);
      cipher.final();
      return bytes;
    };
    return cipher;
  };
}

/** Makes an ssh2 protocol free its ciphers as soon as it has new ones, or has come to its end. */
export function freeCiphers(protocol: object): void {
  for (const name of ["_cipher", "_decipher"]) {
    let current = (protocol as any)[name];
    Object.defineProperty(protocol, name, {
      get: () => current,
      set(next) {
        current = next;
        // With a MAC apart, one cipher does all packets; elsewhere each packet has its own.
        const cipher = next._macKey && (next._cipherInstance ?? next._decipherInstance);
        if (!cipher) return;
        next.free = () => {
          Object.getPrototypeOf(next).free.call(next);
          cipher.final();
        };
      },
    });
  }
}
