/**
 * The first code in an executable that brings its own glibc. Its sources are x86_64/launcher.s,
 * aarch64/launcher.s and texts.s. A build needs no assembler: {@link CODE} has what comes out of it, and
 * `tests/build/glibc/launcher_test.ts` fails when that is no longer what the sources say.
 *
 * @module
 */
import type { Target } from "../../dist/targets.ts";

/** The machine code, in base64. */
export const CODE: Record<Target["arch"], string> = {
  x86_64:
    `SYnkSI0dNgMAAEmJ3UwrK7gVAAAASI09uAEAADH2DwVIhcBIjTXHAQAAukIAAAAPiIEBAAC4TwAAAEiNvCQA8P//vgAQAAAPBUiD+P5I
jTXfAQAAukcAAAAPhFcBAAC4WQAAAEiNPXcBAABIjbQkAOD//7oAEAAADwVJjXwkCEiFwHg9xgQGAKyEwHQ0efm5AQAAADzCD4IAAQAA
POByEP/BPPByCv/BPPUPg+wAAACsJMA8gA+F4QAAAP/JdfHrx0iLN0iDxwhIhfZ1u0yNczBNi34ITYX/dGi4PwEAAEiNPegAAAC+AQAA
AA8FSIXAD4i0AAAAicVNiwZNAei4AQAAAInvTInGTIn6DwVIhcAPjpQAAABJAcBJKcd14EmLfhBMAe+J6LkKAAAAMdL38YDCMEj/z4gX
hcB18EmDxhjrj0mLBCRJjXzEEEiDxwhIg3/4AHX1SIsHSItTCEwB6oP4A3QhSItTEIP4BXQYSItTGEwB6oP4CXQMSItTIEwB6oP4B3UE
SIlXCEiDxxCD+AB1w0iLQyhMAej/4EiNNdcAAAC6RAAAAOsMSI01DQEAALp9AAAAuAEAAAC/AgAAAA8FuOcAAAC/AQAAAA8FZ2xpYmMA
L3Byb2Mvc2VsZi9mZAAvcHJvYy9zZWxmL2V4ZQBjYW5ub3Qgc3RhcnQ6IC9wcm9jIGlzIG5vdCBtb3VudGVkOyB0cnk6IG1vdW50IC10
IHByb2MgcHJvYyAvcHJvYwpjYW5ub3Qgc3RhcnQ6IHRoZSB3b3JraW5nIGRpcmVjdG9yeSB3YXMgZGVsZXRlZDsgY2hhbmdlIHRvIGFu
b3RoZXIgb25lCmNhbm5vdCBzdGFydDogYW4gYXJndW1lbnQgb3IgdGhpcyBwcm9ncmFtJ3MgcGF0aCBpcyBub3QgdmFsaWQgVVRGLTgK
Y2Fubm90IHN0YXJ0OiB0aGlzIG1hY2hpbmUgZG9lcyBub3QgZ2l2ZSBvdXQgZmlsZXMgaW4gbWVtb3J5IChtZW1mZF9jcmVhdGUpOyBM
aW51eCAzLjE3IG9yIG5ld2VyIGhhcyB0aGVtLCA0IE1CIG11c3QgYmUgZnJlZQoPH0QAAA==`,
  aarch64:
    `kxoAEHQCQPl0AhTLCAaA0gAAgJKBDgBQAgCA0gEAANQBDwBwQgiA0gAN+LcoAoDS4AdA0QEAgtIBAADUHwgAsSEQADDiCIDSAAwAVMgJ
gNIAAICSAQ0AEOILQNEDAILSAQAA1OMjAJEAA/i34QtA0T9oIDggFEA4gAIANMD/PzYiAIDSHwgDcWMJAFQfgANx4wAAVEIEAJEfwANx
gwAAVEIEAJEf1ANxYggAVCAUQDgABBoSHwACceEHAFRCBADxYf//VOz//xdhhED4Qf3/tXXCAJG2BkD5tgMAtOgigNIACAAQIQCA0gEA
ANSgBvi39wMAqqECQPkhABSLCAiA0uADF6riAxaqAQAA1B8AAPGNBQBUIQAAi9YCAOsB//9UoQpA+SEAFItCAYDS4wrCmmTcApuEwACR
JPwfOPcDA6p3//+1tWIAkeP//xfgA0D54W8giyFAAJEghED44P//tSAAQPlijkCpQgAUix8MAPFgAQBU4gMDqh8UAPEAAQBUYo5BqUIA
FIsfJADxgAAAVGIAFIsfHADxQQAAVCIEAPkhQACR4P3/tWEWQPkhABSLIAAf1sEGABCCCIDSAwAAFIEIABCiD4DSCAiA0kAAgNIBAADU
yAuA0iAAgNIBAADUZ2xpYmMAL3Byb2Mvc2VsZi9mZAAvcHJvYy9zZWxmL2V4ZQBjYW5ub3Qgc3RhcnQ6IC9wcm9jIGlzIG5vdCBtb3Vu
dGVkOyB0cnk6IG1vdW50IC10IHByb2MgcHJvYyAvcHJvYwpjYW5ub3Qgc3RhcnQ6IHRoZSB3b3JraW5nIGRpcmVjdG9yeSB3YXMgZGVs
ZXRlZDsgY2hhbmdlIHRvIGFub3RoZXIgb25lCmNhbm5vdCBzdGFydDogYW4gYXJndW1lbnQgb3IgdGhpcyBwcm9ncmFtJ3MgcGF0aCBp
cyBub3QgdmFsaWQgVVRGLTgKY2Fubm90IHN0YXJ0OiB0aGlzIG1hY2hpbmUgZG9lcyBub3QgZ2l2ZSBvdXQgZmlsZXMgaW4gbWVtb3J5
IChtZW1mZF9jcmVhdGUpOyBMaW51eCAzLjE3IG9yIG5ld2VyIGhhcyB0aGVtLCA0IE1CIG11c3QgYmUgZnJlZQoAAAA=`,
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
