/**
 * Takes what `deno compile` added out of a macOS executable. The names are those of Apple's
 * <mach-o/loader.h>.
 *
 * - arm64: the payload is a segment `__SUI` before `__LINKEDIT`, so the offsets of everything in
 *   `__LINKEDIT` were shifted by its size. The ad-hoc signature at the end no longer fits and is
 *   taken off; compiling makes a new one.
 * - x86_64: the payload follows the file, after a marker and its length, and `__LINKEDIT` and the
 *   string table were stretched over it; compiling stretches them again.
 *
 * @module
 */

const MAGIC_64 = 0xfeedfacf;
const CPU_TYPE_ARM64 = 0x0100000c;
const HEADER_LENGTH = 32;
const LC_SEGMENT_64 = 0x19;
const LC_SYMTAB = 0x2;
const LC_CODE_SIGNATURE = 0x1d;

/** The fields of each load command that are offsets into `__LINKEDIT`, by position. */
const LINKEDIT_OFFSETS: Record<number, number[]> = {
  [LC_SYMTAB]: [8, 16],
  0xb /* LC_DYSYMTAB */: [32, 40, 48, 56, 64, 72],
  [LC_CODE_SIGNATURE]: [8],
  0x22 /* LC_DYLD_INFO */: [8, 16, 24, 32, 40],
  0x26 /* LC_FUNCTION_STARTS */: [8],
  0x29 /* LC_DATA_IN_CODE */: [8],
  0x2b /* LC_DYLIB_CODE_SIGN_DRS */: [8],
  0x2d /* LC_LINKER_OPTIMIZATION_HINT */: [8],
  0x36 /* LC_ATOM_INFO */: [8],
  0x80000022 /* LC_DYLD_INFO_ONLY */: [8, 16, 24, 32, 40],
  0x80000033 /* LC_DYLD_EXPORTS_TRIE */: [8],
  0x80000034 /* LC_DYLD_CHAINED_FIXUPS */: [8],
};

/** Between program and payload on x86_64: this, then the payload's length in 8 bytes. */
const MARKER = new Uint8Array([
  ...new TextEncoder().encode("<~sui-data~>"),
  0xef,
  0xbe,
  0xad,
  0xde,
]);

interface LoadCommand {
  type: number;
  offset: number;
  length: number;
  /** Of a segment, else empty. */
  name: string;
}

function loadCommands(file: Uint8Array, view: DataView): LoadCommand[] {
  const commands: LoadCommand[] = [];
  let offset = HEADER_LENGTH;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    if (offset + 8 > file.length) throw new Error("a load command lies outside the file");
    const type = view.getUint32(offset, true);
    const length = view.getUint32(offset + 4, true);
    if (length < 8 || offset + length > file.length) throw new Error("a load command is broken");
    const name = type === LC_SEGMENT_64
      ? new TextDecoder().decode(file.subarray(offset + 8, offset + 24)).replace(/\0+$/, "")
      : "";
    commands.push({ type, offset, length, name });
    offset += length;
  }
  return commands;
}

function segment(commands: LoadCommand[], view: DataView, name: string) {
  const command = commands.find((command) => command.name === name);
  if (command === undefined) throw new Error(`no payload of deno compile: no segment ${name}`);
  const field = (position: number) => Number(view.getBigUint64(command.offset + position, true));
  return {
    command,
    address: field(24),
    addressLength: field(32),
    offset: field(40),
    length: field(48),
  };
}

function arm64Runtime(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const data = file.slice();
  const view = new DataView(data.buffer);
  const commands = loadCommands(data, view);
  const payload = segment(commands, view, "__SUI");
  const linkedit = segment(commands, view, "__LINKEDIT");
  if (linkedit.offset !== payload.offset + payload.length) {
    throw new Error("the payload does not stand before __LINKEDIT");
  }
  const set = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  set(linkedit.command.offset + 24, linkedit.address - payload.addressLength);
  set(linkedit.command.offset + 40, payload.offset);
  for (const { type, offset } of commands) {
    for (const position of LINKEDIT_OFFSETS[type] ?? []) {
      const value = view.getUint32(offset + position, true);
      const inside = value >= linkedit.offset && value <= linkedit.offset + linkedit.length;
      if (inside) view.setUint32(offset + position, value - payload.length, true);
    }
  }
  // The commands after the payload's move up; what they leave is zero, as it was before.
  const { offset, length } = payload.command;
  const end = HEADER_LENGTH + view.getUint32(20, true);
  data.copyWithin(offset, offset + length, end);
  data.fill(0, end - length, end);
  view.setUint32(16, commands.length - 1, true);
  view.setUint32(20, end - length - HEADER_LENGTH, true);
  data.copyWithin(payload.offset, linkedit.offset);
  return unsigned(data.subarray(0, data.length - payload.length));
}

/** Takes the signature off, which is the end of the file. */
function unsigned(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const commands = loadCommands(data, view);
  const linkedit = segment(commands, view, "__LINKEDIT");
  const signature = commands.find(({ type }) => type === LC_CODE_SIGNATURE);
  if (signature === undefined) throw new Error("no signature to replace");
  const end = view.getUint32(signature.offset + 8, true);
  if (end < linkedit.offset || end > data.length) throw new Error("the signature lies elsewhere");
  const length = BigInt(end - linkedit.offset);
  view.setUint32(signature.offset + 12, 0, true);
  view.setBigUint64(linkedit.command.offset + 32, length, true);
  view.setBigUint64(linkedit.command.offset + 48, length, true);
  return data.subarray(0, end);
}

/** Where the marker starts, from the end: the program itself may hold its parts. */
function findMarker(file: Uint8Array): number {
  for (let at = file.lastIndexOf(MARKER[0]!); at >= 0; at = file.lastIndexOf(MARKER[0]!, at - 1)) {
    if (MARKER.every((byte, i) => file[at + i] === byte)) return at;
    if (at === 0) break;
  }
  throw new Error("no payload of deno compile: no marker");
}

function x64Runtime(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const marker = findMarker(file);
  const length = new DataView(file.buffer, file.byteOffset + marker + MARKER.length)
    .getBigUint64(0, true);
  if (marker + MARKER.length + 8 + Number(length) !== file.length) {
    throw new Error("the payload does not end where the file does");
  }
  const data = file.slice(0, marker);
  const view = new DataView(data.buffer);
  const commands = loadCommands(data, view);
  const linkedit = segment(commands, view, "__LINKEDIT");
  const linkeditLength = BigInt(data.length - linkedit.offset);
  view.setBigUint64(linkedit.command.offset + 32, linkeditLength, true);
  view.setBigUint64(linkedit.command.offset + 48, linkeditLength, true);
  for (const { offset } of commands.filter(({ type }) => type === LC_SYMTAB)) {
    view.setUint32(offset + 20, data.length - view.getUint32(offset + 16, true), true);
  }
  return data;
}

/**
 * The runtime inside a 64-bit Mach-O executable.
 *
 * @returns a copy
 * @throws {Error} if there is no payload in it
 */
export function machoRuntime(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < HEADER_LENGTH || view.getUint32(0, true) !== MAGIC_64) {
    throw new Error("not a 64-bit Mach-O executable");
  }
  return view.getUint32(4, true) === CPU_TYPE_ARM64 ? arm64Runtime(file) : x64Runtime(file);
}
