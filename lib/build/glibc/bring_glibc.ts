/**
 * Makes a Linux executable independent of the system's libraries: puts glibc into its file, and a
 * launcher that starts the program with it. So it runs where there is no glibc (Alpine), an old one
 * or no libgcc_s.so.1. docs/executables.md says more.
 *
 * The file after that:
 *
 *     the runtime           as it was; only the dynamic section refers to the new strings and names
 *     launcher              with its parameters; the file's entry is here now
 *     libraries             copied by the launcher to files in memory
 *     strings               those of the dynamic section, and the libraries' paths, /proc/self/fd/N
 *     loader                mapped by the kernel, run by the launcher
 *     program headers       all of these for the kernel; the runtime's own are for the loader
 *     payload               where Deno looks for it: at the end, or in a segment of the runtime
 *
 * @module
 */
import { payloadStart } from "../runtime/elf.ts";
import { ElfView, PF, PT, type Segment } from "./elf_view.ts";
import { launcher, type LauncherParameters, launcherSize } from "./launcher.ts";
import type { BroughtFile, Glibc } from "./libraries.ts";

/** No processor has larger pages. A segment starts at a page of its own. */
const PAGE = 0x10000;

/**
 * By what path the loader opens a library. The launcher replaces the last slashes by the number of
 * a descriptor; more slashes than one mean the same as one.
 */
const PATH = "/proc/self/fd////////";

/** What is added to a runtime. */
interface Parts {
  libraries: BroughtFile[];
  /** The dynamic section's strings, with a path for each library behind them. */
  strings: Uint8Array;
  /** Where each path starts in `strings`. */
  paths: number[];
  /** The loader as it lies in memory, and which parts of that are segments. */
  loader: { bytes: Uint8Array; segments: Segment[]; entry: number };
}

/** Where each part starts, relative to the first of them, the launcher, in bytes. */
interface Layout {
  libraries: number[];
  strings: number;
  loader: number;
  headers: number;
  end: number;
}

/** Where the first part starts: the others follow it both in the file and in memory. */
interface Start {
  offset: number;
  address: number;
}

/**
 * Puts `glibc` into an executable of `deno compile`.
 *
 * @throws {Error} if it is not one for Linux, or needs a library that `glibc` does not have
 */
export function bringGlibc(
  executable: Uint8Array<ArrayBuffer>,
  glibc: Glibc,
): Uint8Array<ArrayBuffer> {
  const runtime = executable.subarray(0, payloadStart(executable));
  const payload = executable.subarray(runtime.length);
  const old = new ElfView(runtime);
  const parts = partsFor(old, glibc);
  const layout = lay(parts, launcherSize(old.arch, parts.libraries.length));
  const start = {
    offset: roundUp(runtime.length, PAGE),
    address: roundUp(memoryEnd(old.segments), PAGE),
  };
  const file = new Uint8Array(start.offset + layout.end + payload.length);
  const write = (bytes: Uint8Array, at: number) => file.set(bytes, start.offset + at);
  file.set(runtime);
  write(launcher(old.arch, start.address, launcherParameters(old, parts, layout, start)), 0);
  parts.libraries.forEach(({ bytes }, i) => write(bytes, layout.libraries[i]!));
  write(parts.strings, layout.strings);
  write(parts.loader.bytes, layout.loader);
  write(payload, layout.end);

  const view = new ElfView(file);
  view.renameNeeded(new Map(parts.libraries.map(({ name }, i) => [name, parts.paths[i]!])));
  view.moveStrings(start.address + layout.strings, parts.strings.length);
  view.entry = start.address;
  view.writeSegments(start.offset + layout.headers, [
    ...old.segments.filter(({ type }) => type !== PT.INTERP && type !== PT.PHDR),
    ...addedSegments(parts, layout, start),
  ]);
  return file;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Where memory ends that segments take. */
function memoryEnd(segments: readonly Segment[]): number {
  return Math.max(...segments.map(({ address, memorySize }) => address + memorySize));
}

function partsFor(runtime: ElfView, { loader, libraries }: Glibc): Parts {
  const { needed } = runtime;
  const used = libraries.filter(({ name }) => needed.includes(name));
  const names = [loader, ...used].map(({ name }) => name);
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`the runtime needs ${missing.join(", ")} too`);
  const old = runtime.strings;
  const paths = used.map((_, i) => old.length + i * (PATH.length + 1));
  const strings = new Uint8Array(old.length + used.length * (PATH.length + 1));
  strings.set(old);
  for (const path of paths) strings.set(new TextEncoder().encode(PATH), path);
  return { libraries: used, strings, paths, loader: image(new ElfView(loader.bytes)) };
}

/** The segments of a file as they lie in memory, so that no part of them needs to be filled. */
function image({ bytes: file, segments: all, entry }: ElfView): Parts["loader"] {
  const segments = all.filter(({ type }) => type === PT.LOAD);
  const bytes = new Uint8Array(memoryEnd(segments));
  for (const { offset, address, fileSize } of segments) {
    bytes.set(file.subarray(offset, offset + fileSize), address);
  }
  return { bytes, segments, entry };
}

function lay({ libraries, strings, loader }: Parts, launcherSize: number): Layout {
  let end = launcherSize;
  const place = ({ length }: Uint8Array, unit: number) => {
    const start = roundUp(end, unit);
    end = start + length;
    return start;
  };
  return {
    libraries: libraries.map(({ bytes }) => place(bytes, 8)),
    strings: place(strings, PAGE),
    loader: place(loader.bytes, PAGE),
    headers: end = roundUp(end, PAGE),
    end: end + PAGE,
  };
}

function launcherParameters(
  runtime: ElfView,
  { libraries, paths, loader }: Parts,
  layout: Layout,
  { address }: Start,
): LauncherParameters {
  const loaderAddress = address + layout.loader;
  return {
    headers: { address: runtime.headersAddress, count: runtime.segments.length },
    entry: runtime.entry,
    loader: { address: loaderAddress, entry: loaderAddress + loader.entry },
    libraries: libraries.map(({ bytes }, i) => ({
      address: address + layout.libraries[i]!,
      size: bytes.length,
      pathEnd: address + layout.strings + paths[i]! + PATH.length,
    })),
  };
}

function addedSegments(parts: Parts, layout: Layout, { offset, address }: Start): Segment[] {
  const segment = (start: number, size: number, flags: number): Segment => ({
    type: PT.LOAD,
    flags,
    offset: offset + start,
    address: address + start,
    fileSize: size,
    memorySize: size,
    align: PAGE,
  });
  return [
    segment(0, layout.strings, PF.R | PF.X),
    segment(layout.strings, parts.strings.length, PF.R | PF.W),
    ...parts.loader.segments.map(({ address, memorySize, flags }) =>
      segment(layout.loader + address, memorySize, flags)
    ),
  ];
}
