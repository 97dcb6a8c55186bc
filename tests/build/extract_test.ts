/** Taking the runtime out of executables, on ones small enough to be written here. */
import assert from "node:assert/strict";
import { elfRuntime } from "../../lib/build/runtime/elf.ts";
import { machoRuntime } from "../../lib/build/runtime/macho.ts";
import { peRuntime } from "../../lib/build/runtime/pe.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Field = [offset: number, value: number | string, size?: 2 | 4 | 8];

/** Bytes with little-endian numbers and texts at their places. */
function layOut(length: number, fields: Field[]): Bytes {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [offset, value, size = 4] of fields) {
    if (typeof value === "string") bytes.set(new TextEncoder().encode(value), offset);
    else if (size === 2) view.setUint16(offset, value, true);
    else if (size === 4) view.setUint32(offset, value, true);
    else view.setBigUint64(offset, BigInt(value), true);
  }
  return bytes;
}

function join(...parts: Bytes[]): Bytes {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const PAYLOAD = "d3n0l4nd the program d3n0l4nd";

/** What deno compile puts behind an ELF runtime. */
function elfPayload(): Bytes {
  const length = PAYLOAD.length + 8;
  return layOut(length, [[0, PAYLOAD], [PAYLOAD.length, length, 8]]);
}

const ELF = layOut(128, [[0, "\x7fELF"], [100, "code"]]);

Deno.test("elfRuntime() cuts the payload off", () => {
  assert.deepEqual(elfRuntime(join(ELF, elfPayload())), ELF);
});

Deno.test("elfRuntime() refuses what deno compile did not make", () => {
  assert.throws(() => elfRuntime(ELF), /no payload/);
  assert.throws(() => elfRuntime(join(ELF, layOut(8, [[0, 100_000, 8]]))), /no payload/);
  assert.throws(() => elfRuntime(layOut(128, [[0, "MZ"]])), /not an ELF/);
  assert.throws(() => elfRuntime(new Uint8Array()), /not an ELF/);
});

/** A PE file of two sections at most. */
function pe(sections: number, last: string): Bytes {
  const header = 0x80;
  const optional = header + 24;
  const table = optional + 240;
  return layOut(0x600, [
    [0, "MZ"],
    [0x3c, header],
    [header, "PE\0\0"],
    [header + 6, sections, 2],
    [header + 20, 240, 2],
    [optional, 0x20b, 2],
    [optional + 56, sections === 1 ? 0x2000 : 0x3000],
    ...sections === 1 ? [] : [
      [optional + 64, 0xabcdef],
      [optional + 128, 0x2000],
      [optional + 132, 0x100],
    ] satisfies Field[],
    [table, ".text"],
    [table + 12, 0x1000],
    [table + 20, 0x200],
    ...sections === 1 ? [] : [
      [table + 40, last],
      [table + 52, 0x2000],
      [table + 60, 0x400],
      [0x400, PAYLOAD],
    ] satisfies Field[],
    [0x200, "code"],
  ]);
}

Deno.test("peRuntime() drops the payload's section and all that points at it", () => {
  assert.deepEqual(peRuntime(pe(2, ".pedata")), pe(1, "").slice(0, 0x400));
});

Deno.test("peRuntime() refuses what deno compile did not make", () => {
  assert.throws(() => peRuntime(pe(2, ".rsrc")), /no payload of deno compile: ".rsrc" is last/);
  assert.throws(() => peRuntime(ELF), /not a PE/);
  assert.throws(() => peRuntime(layOut(64, [[0, "MZ"], [0x3c, 0x7fff0000]])), /not a PE/);
});

const ARM64 = 0x0100000c;
const X86_64 = 0x01000007;

function segment(name: string, at: number, fields: [number, number, number, number]): Field[] {
  return [
    [at, 0x19],
    [at + 4, name === "__SUI" ? 152 : 72],
    [at + 8, name],
    ...fields.map((value, i): Field => [at + 24 + 8 * i, value, 8]),
  ];
}

/**
 * An arm64 Mach-O file: `__LINKEDIT` of 0x40 bytes, the last 0x10 of them the signature, with a
 * payload of 0x100 bytes before it or without.
 */
function arm64(payload: boolean): Bytes {
  const shift = payload ? 0x100 : 0;
  const moved = payload ? 152 : 0;
  const signature = payload ? 0x10 : 0;
  const linkedit = 0x400 + shift;
  const commands = payload ? 4 : 3;
  return layOut(0x400 + shift + 0x30 + signature, [
    ...[[0, 0xfeedfacf], [4, ARM64], [16, commands], [20, 72 + 24 + 16 + moved]] as Field[],
    ...payload ? segment("__SUI", 32, [0x9000, 0x4000, 0x400, 0x100]) : [],
    ...segment("__LINKEDIT", 32 + moved, [
      payload ? 0xd000 : 0x9000,
      0x30 + signature,
      linkedit,
      0x30 + signature,
    ]),
    ...[[104, 0x2], [108, 24], [112, linkedit], [120, linkedit + 0x20]].map(([at, value]) =>
      [at! + moved, value!] as Field
    ),
    ...[[128, 0x1d], [132, 16], [136, linkedit + 0x30], [140, signature]].map(([at, value]) =>
      [at! + moved, value!] as Field
    ),
    ...payload ? [[0x400, PAYLOAD], [linkedit + 0x30, "signature"]] as Field[] : [],
    [linkedit, "symbols"],
  ]);
}

Deno.test("machoRuntime() takes segment, shift and signature out of an arm64 program", () => {
  assert.deepEqual(machoRuntime(arm64(true)), arm64(false));
});

/** An x86_64 Mach-O file whose string table ends the file, stretched by `extra` bytes. */
function x64(extra: number): Bytes {
  return layOut(0x440, [
    ...[[0, 0xfeedfacf], [4, X86_64], [16, 2], [20, 72 + 24]] as Field[],
    ...segment("__LINKEDIT", 32, [0x9000, 0x40 + extra, 0x400, 0x40 + extra]),
    ...[[104, 0x2], [108, 24], [120, 0x420], [124, 0x20 + extra]] as Field[],
    [0x420, "strings"],
  ]);
}

function x64Payload(): Bytes {
  const text = `<~sui-data~>1234--------${PAYLOAD}`;
  const bytes = layOut(text.length, [[0, text], [16, PAYLOAD.length, 8]]);
  bytes.set([0xef, 0xbe, 0xad, 0xde], 12);
  return bytes;
}

Deno.test("machoRuntime() cuts an x86_64 program at the marker and shrinks what was stretched", () => {
  const payload = x64Payload();
  assert.deepEqual(machoRuntime(join(x64(payload.length), payload)), x64(0));
});

Deno.test("machoRuntime() refuses what deno compile did not make", () => {
  assert.throws(() => machoRuntime(arm64(false)), /no payload of deno compile: no segment __SUI/);
  assert.throws(() => machoRuntime(x64(0)), /no payload of deno compile: no marker/);
  assert.throws(() => machoRuntime(join(x64(0), x64Payload(), ELF)), /does not end where/);
  assert.throws(() => machoRuntime(ELF), /not a 64-bit Mach-O/);
  const endless = arm64(true);
  new DataView(endless.buffer).setUint32(36, 4, true);
  assert.throws(() => machoRuntime(endless), /a load command is broken/);
});
