import { Buffer } from "node:buffer";
import { getDiffieHellman } from "node:crypto";
import { MalformedError, Writer } from "../../protocol/wire_format.ts";
import type { ExchangeMethod } from "./method.ts";

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
}

/**
 * Diffie-Hellman in a group of RFC 3526 (RFC 4253, section 8).
 *
 * @param group node:crypto's name of it
 */
function diffieHellman(hash: string, group: string): ExchangeMethod {
  return {
    hash,
    respond(peer) {
      const ours = getDiffieHellman(group);
      const value = ours.generateKeys();
      const [number, prime] = [toNumber(peer), toNumber(ours.getPrime())];
      if (number <= 1n || number >= prime - 1n) {
        throw new MalformedError("the client's key is not in the group");
      }
      const secret = ours.computeSecret(Buffer.from(number.toString(16).padStart(2, "0"), "hex"));
      return {
        // Without the length: the message adds it.
        value: new Writer().mpint(value).bytes().subarray(4),
        secret: new Writer().mpint(secret).bytes(),
      };
    },
  };
}

/** `diffie-hellman-group14-sha256` and `diffie-hellman-group16-sha512` (RFC 8268). */
export const GROUP14: ExchangeMethod = diffieHellman("sha256", "modp14");
export const GROUP16: ExchangeMethod = diffieHellman("sha512", "modp16");
