/**
 * The first code in an executable that brings its own glibc. Its sources are x86_64/launcher.s and
 * aarch64/launcher.s. A build needs no assembler: {@link CODE} has what comes out of it, and
 * `tests/build/glibc/launcher_test.ts` fails when that is no longer what the sources say.
 *
 * @module
 */
import type { Target } from "../../dist/targets.ts";

/** The machine code, in base64. */
export const CODE: Record<Target["arch"], string> = {
  x86_64:
    `SYnkSI0d9gEAAEmJ3UwrK7gVAAAASI09EgEAADH2DwVIhcBIjTUSAQAAukIAAAAPiNsAAABMjXMwTYt+CE2F/3RouD8BAABI
jT3aAAAAvgEAAAAPBUiFwA+IpgAAAInFTYsGTQHouAEAAACJ70yJxkyJ+g8FSIXAD46GAAAASQHASSnHdeBJi34QTAHviei5
CgAAADHS9/GAwjBI/8+IF4XAdfBJg8YY649JiwQkSY18xBBIg8cISIN/+AB19UiLB0iLUwhMAeqD+AN0IUiLUxCD+AV0GEiL
UxhMAeqD+Al0DEiLUyBMAeqD+Ad1BEiJVwhIg8cQg/gAdcNIi0MoTAHo/+BIjTVzAAAAun0AAAC4AQAAAL8CAAAADwW45wAA
AL8BAAAADwVnbGliYwAvcHJvYy9zZWxmL2ZkAGNhbm5vdCBzdGFydDogL3Byb2MgaXMgbm90IG1vdW50ZWQ7IHRyeTogbW91
bnQgLXQgcHJvYyBwcm9jIC9wcm9jCmNhbm5vdCBzdGFydDogdGhpcyBtYWNoaW5lIGRvZXMgbm90IGdpdmUgb3V0IGZpbGVz
IGluIG1lbW9yeSAobWVtZmRfY3JlYXRlKTsgTGludXggMy4xNyBvciBuZXdlciBoYXMgdGhlbSwgNCBNQiBtdXN0IGJlIGZy
ZWUKDx9EAAA=`,
  aarch64:
    `UxAAEHQCQPl0AhTLCAaA0gAAgJIBCQBQAgCA0gEAANQhCQAQQgiA0oAH+Ld1wgCRtgZA+bYDALToIoDSoAcAECEAgNIBAADU
QAb4t/cDAKqhAkD5IQAUiwgIgNLgAxeq4gMWqgEAANQfAADxLQUAVCEAAIvWAgDrAf//VKEKQPkhABSLQgGA0uMKwppk3AKb
hMAAkST8Hzj3AwOqd///tbViAJHj//8X4ANA+eFvIIshQACRIIRA+OD//7UgAED5Yo5AqUIAFIsfDADxYAEAVOIDA6ofFADx
AAEAVGKOQalCABSLHyQA8YAAAFRiABSLHxwA8UEAAFQiBAD5IUAAkeD9/7VhFkD5IQAUiyAAH9ahAwBQog+A0ggIgNJAAIDS
AQAA1MgLgNIgAIDSAQAA1GdsaWJjAC9wcm9jL3NlbGYvZmQAY2Fubm90IHN0YXJ0OiAvcHJvYyBpcyBub3QgbW91bnRlZDsg
dHJ5OiBtb3VudCAtdCBwcm9jIHByb2MgL3Byb2MKY2Fubm90IHN0YXJ0OiB0aGlzIG1hY2hpbmUgZG9lcyBub3QgZ2l2ZSBv
dXQgZmlsZXMgaW4gbWVtb3J5IChtZW1mZF9jcmVhdGUpOyBMaW51eCAzLjE3IG9yIG5ld2VyIGhhcyB0aGVtLCA0IE1CIG11
c3QgYmUgZnJlZQoAHyAD1Q==`,
};

/** Addresses count from the first byte of the program in memory. */
export interface LauncherParameters {
  /** Where the program headers are that the loader is to see, and how many. */
  headers: { address: number; count: number };
  /** The program's own entry. */
  entry: number;
  loader: { address: number; entry: number };
  libraries: {
    address: number;
    /** Bytes. */
    size: number;
    /** The end of the path that the number of its descriptor is written to. */
    pathEnd: number;
  }[];
}

/** The size of the code for a processor with the parameters for so many libraries, in bytes. */
export function launcherSize(arch: Target["arch"], libraries: number): number {
  return decode(arch).length + 8 * (6 + 3 * (libraries + 1));
}

/** The code with its parameters, to be put at `address`, which is a multiple of 8. */
export function launcher(
  arch: Target["arch"],
  address: number,
  { headers, entry, loader, libraries }: LauncherParameters,
): Uint8Array<ArrayBuffer> {
  const code = decode(arch);
  const numbers = [
    ...[address + code.length, headers.address, headers.count, entry],
    ...[loader.address, loader.entry],
    ...libraries.flatMap(({ address, size, pathEnd }) => [address, size, pathEnd]),
    ...[0, 0, 0],
  ];
  const parameters = new BigUint64Array(numbers.map(BigInt));
  const bytes = new Uint8Array(code.length + parameters.byteLength);
  bytes.set(code);
  bytes.set(new Uint8Array(parameters.buffer), code.length);
  return bytes;
}

function decode(arch: Target["arch"]): Uint8Array {
  return Uint8Array.fromBase64(CODE[arch]);
}
