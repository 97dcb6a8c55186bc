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
    `SYnkSI0dZgIAAEmJ3UwrK7gVAAAASI09PAEAADH2DwVIhcBIjTU8AQAAukIAAAAPiAUBAAC4TwAAAEiNvCQA8P//vgAQAAAPBUiD
+P5IjTVUAQAAukcAAAAPhNsAAABMjXMwTYt+CE2F/3RouD8BAABIjT3aAAAAvgEAAAAPBUiFwA+IpgAAAInFTYsGTQHouAEAAACJ
70yJxkyJ+g8FSIXAD46GAAAASQHASSnHdeBJi34QTAHviei5CgAAADHS9/GAwjBI/8+IF4XAdfBJg8YY649JiwQkSY18xBBIg8cI
SIN/+AB19UiLB0iLUwhMAeqD+AN0IUiLUxCD+AV0GEiLUxhMAeqD+Al0DEiLUyBMAeqD+Ad1BEiJVwhIg8cQg/gAdcNIi0MoTAHo
/+BIjTW6AAAAun0AAAC4AQAAAL8CAAAADwW45wAAAL8BAAAADwVnbGliYwAvcHJvYy9zZWxmL2ZkAGNhbm5vdCBzdGFydDogL3By
b2MgaXMgbm90IG1vdW50ZWQ7IHRyeTogbW91bnQgLXQgcHJvYyBwcm9jIC9wcm9jCmNhbm5vdCBzdGFydDogdGhlIHdvcmtpbmcg
ZGlyZWN0b3J5IHdhcyBkZWxldGVkOyBjaGFuZ2UgdG8gYW5vdGhlciBvbmUKY2Fubm90IHN0YXJ0OiB0aGlzIG1hY2hpbmUgZG9l
cyBub3QgZ2l2ZSBvdXQgZmlsZXMgaW4gbWVtb3J5IChtZW1mZF9jcmVhdGUpOyBMaW51eCAzLjE3IG9yIG5ld2VyIGhhcyB0aGVt
LCA0IE1CIG11c3QgYmUgZnJlZQoPH0AA`,
  aarch64:
    `kxMAEHQCQPl0AhTLCAaA0gAAgJIBCgBQAgCA0gEAANQhCgAQQgiA0oAI+LcoAoDS4AdA0QEAgtIBAADUHwgAsSELAFDiCIDSgAcA
VHXCAJG2BkD5tgMAtOgigNKgBwAQIQCA0gEAANRABvi39wMAqqECQPkhABSLCAiA0uADF6riAxaqAQAA1B8AAPEtBQBUIQAAi9YC
AOsB//9UoQpA+SEAFItCAYDS4wrCmmTcApuEwACRJPwfOPcDA6p3//+1tWIAkeP//xfgA0D54W8giyFAAJEghED44P//tSAAQPli
jkCpQgAUix8MAPFgAQBU4gMDqh8UAPEAAQBUYo5BqUIAFIsfJADxgAAAVGIAFIsfHADxQQAAVCIEAPkhQACR4P3/tWEWQPkhABSL
IAAf1uEFADCiD4DSCAiA0kAAgNIBAADUyAuA0iAAgNIBAADUZ2xpYmMAL3Byb2Mvc2VsZi9mZABjYW5ub3Qgc3RhcnQ6IC9wcm9j
IGlzIG5vdCBtb3VudGVkOyB0cnk6IG1vdW50IC10IHByb2MgcHJvYyAvcHJvYwpjYW5ub3Qgc3RhcnQ6IHRoZSB3b3JraW5nIGRp
cmVjdG9yeSB3YXMgZGVsZXRlZDsgY2hhbmdlIHRvIGFub3RoZXIgb25lCmNhbm5vdCBzdGFydDogdGhpcyBtYWNoaW5lIGRvZXMg
bm90IGdpdmUgb3V0IGZpbGVzIGluIG1lbW9yeSAobWVtZmRfY3JlYXRlKTsgTGludXggMy4xNyBvciBuZXdlciBoYXMgdGhlbSwg
NCBNQiBtdXN0IGJlIGZyZWUKAAAfIAPV`,
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
