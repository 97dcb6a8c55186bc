/** Reads and changes the parts of a 64-bit little-endian ELF file that say how it is loaded. */
import type { Target } from "../../dist/targets.ts";

/** Types of program headers. */
export const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3, PHDR: 6 } as const;

/** Permissions of a segment. */
export const PF = { X: 1, W: 2, R: 4 } as const;

/** Tags of the dynamic section. */
const DT = {
  NULL: 0n,
  NEEDED: 1n,
  STRTAB: 5n,
  STRSZ: 10n,
  VERNEED: 0x6ffffffen,
  VERNEEDNUM: 0x6fffffffn,
} as const;

/** The values of `e_machine`. */
const MACHINES: Record<number, Target["arch"]> = { 62: "x86_64", 183: "aarch64" };

/** The size of a program header, in bytes. */
const HEADER_SIZE = 56;

/** A program header: a part of the file and where it lies in memory. */
export interface Segment {
  type: number;
  flags: number;
  /** In the file, in bytes. */
  offset: number;
  /** In memory. */
  address: number;
  /** Bytes in the file. */
  fileSize: number;
  /** Bytes in memory. */
  memorySize: number;
  align: number;
}

/** A view of an ELF file; what it changes, it changes in the bytes given. */
export class ElfView {
  readonly #view: DataView;

  /** @throws {Error} if it is another kind of file */
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Magic number, 64-bit, little-endian.
    if (bytes.length < 64 || this.#view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 2) {
      throw new Error("not a 64-bit ELF file");
    }
  }

  #u64(offset: number): number {
    return Number(this.#view.getBigUint64(offset, true));
  }

  #setU64(offset: number, value: number): void {
    this.#view.setBigUint64(offset, BigInt(value), true);
  }

  /** @throws {Error} if the file is for a processor that there is no target for */
  get arch(): Target["arch"] {
    const arch = MACHINES[this.#view.getUint16(18, true)];
    if (arch === undefined) throw new Error("an ELF file for another processor");
    return arch;
  }

  /** The address of the first instruction. */
  get entry(): number {
    return this.#u64(24);
  }

  set entry(address: number) {
    this.#setU64(24, address);
  }

  /** Where the table of program headers is in memory. */
  get headersAddress(): number {
    const segment = this.segments.find(({ type }) => type === PT.PHDR);
    if (segment === undefined) throw new Error("the program headers are not in memory");
    return segment.address;
  }

  /** The program headers. */
  get segments(): Segment[] {
    const start = this.#u64(32);
    return Array.from({ length: this.#view.getUint16(56, true) }, (_, i) => {
      const at = start + i * HEADER_SIZE;
      return {
        type: this.#view.getUint32(at, true),
        flags: this.#view.getUint32(at + 4, true),
        offset: this.#u64(at + 8),
        address: this.#u64(at + 16),
        fileSize: this.#u64(at + 32),
        memorySize: this.#u64(at + 40),
        align: this.#u64(at + 48),
      };
    });
  }

  /** Writes a table of program headers at `start` in the file and makes it the one that counts. */
  writeSegments(start: number, segments: readonly Segment[]): void {
    segments.forEach((segment, i) => {
      const at = start + i * HEADER_SIZE;
      this.#view.setUint32(at, segment.type, true);
      this.#view.setUint32(at + 4, segment.flags, true);
      this.#setU64(at + 8, segment.offset);
      // The address counts twice: the second one is for machines without virtual memory.
      this.#setU64(at + 16, segment.address);
      this.#setU64(at + 24, segment.address);
      this.#setU64(at + 32, segment.fileSize);
      this.#setU64(at + 40, segment.memorySize);
      this.#setU64(at + 48, segment.align);
    });
    this.#setU64(32, start);
    this.#view.setUint16(56, segments.length, true);
  }

  /** Where what is at `address` in memory is in the file. */
  #offsetOf(address: number): number {
    const segment = this.segments.find((segment) =>
      segment.type === PT.LOAD && address >= segment.address &&
      address < segment.address + segment.fileSize
    );
    if (segment === undefined) throw new Error(`the file has no address ${address}`);
    return segment.offset + address - segment.address;
  }

  /** The entries of the dynamic section, each with where its value is in the file. */
  #dynamic(): { tag: bigint; at: number }[] {
    const segment = this.segments.find(({ type }) => type === PT.DYNAMIC);
    if (segment === undefined) throw new Error("the file loads no libraries");
    const entries = [];
    for (let at = segment.offset; at < segment.offset + segment.fileSize; at += 16) {
      const tag = this.#view.getBigInt64(at, true);
      if (tag === DT.NULL) break;
      entries.push({ tag, at: at + 8 });
    }
    return entries;
  }

  #dynamicEntry(tag: bigint): number {
    const entry = this.#dynamic().find((entry) => entry.tag === tag);
    if (entry === undefined) throw new Error(`the dynamic section has no entry ${tag}`);
    return entry.at;
  }

  /** The strings that the dynamic section refers to by their offsets. */
  get strings(): Uint8Array<ArrayBuffer> {
    const start = this.#offsetOf(this.#u64(this.#dynamicEntry(DT.STRTAB)));
    return this.bytes.slice(start, start + this.#u64(this.#dynamicEntry(DT.STRSZ)));
  }

  /** Says that these strings are somewhere else. */
  moveStrings(address: number, size: number): void {
    this.#setU64(this.#dynamicEntry(DT.STRTAB), address);
    this.#setU64(this.#dynamicEntry(DT.STRSZ), size);
  }

  /** Where the file has offsets, within the strings, of libraries' names: 8 bytes each. */
  #neededEntries(): number[] {
    return this.#dynamic().filter(({ tag }) => tag === DT.NEEDED).map(({ at }) => at);
  }

  /** The same in the table of the symbols' versions: 4 bytes each. */
  #versionEntries(): number[] {
    let at = this.#offsetOf(this.#u64(this.#dynamicEntry(DT.VERNEED)));
    const count = this.#u64(this.#dynamicEntry(DT.VERNEEDNUM));
    return Array.from({ length: count }, () => {
      const name = at + 4;
      at += this.#view.getUint32(at + 12, true);
      return name;
    });
  }

  /** The names of the libraries that the program loads, in this order. */
  get needed(): string[] {
    const { strings } = this;
    return this.#neededEntries().map((at) => stringAt(strings, this.#u64(at)));
  }

  /** Refers to other names of libraries: offsets within the strings, by the names until now. */
  renameNeeded(offsets: ReadonlyMap<string, number>): void {
    const { strings } = this;
    for (const at of this.#neededEntries()) {
      const offset = offsets.get(stringAt(strings, this.#u64(at)));
      if (offset !== undefined) this.#setU64(at, offset);
    }
    for (const at of this.#versionEntries()) {
      const offset = offsets.get(stringAt(strings, this.#view.getUint32(at, true)));
      if (offset !== undefined) this.#view.setUint32(at, offset, true);
    }
  }
}

function stringAt(strings: Uint8Array, offset: number): string {
  return new TextDecoder().decode(strings.subarray(offset, strings.indexOf(0, offset)));
}
