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
 *     payload               where Deno looks for it: at the end
 *
 * @module
 */
import type { Target } from "../../dist/targets.ts";
import { elfRuntime } from "../runtime/elf.ts";
import { ElfView, PF, PT, type Segment } from "./elf_view.ts";
import { launcher, launcherSize } from "./launcher.ts";
import type { BroughtFile, Glibc } from "./libraries.ts";

/** No processor has larger pages. A segment starts at a page of its own. */
const PAGE = 0x10000;

/**
 * By what path the loader opens a library. The launcher replaces the last slashes by the number of
 * a descriptor; more slashes than one mean the same as one.
 */
const PATH = "/proc/self/fd////////";

/** Where each part of the file starts, relative to the first of them, in bytes. */
interface Layout {
  libraries: number[];
  strings: number;
  loader: number;
  headers: number;
  end: number;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function lay(
  arch: Target["arch"],
  libraries: BroughtFile[],
  strings: Uint8Array,
  loader: Uint8Array,
): Layout {
  let end = launcherSize(arch, libraries.length);
  const place = ({ length }: Uint8Array, unit: number) => {
    const start = roundUp(end, unit);
    end = start + length;
    return start;
  };
  return {
    libraries: libraries.map(({ bytes }) => place(bytes, 8)),
    strings: place(strings, PAGE),
    loader: place(loader, PAGE),
    headers: end = roundUp(end, PAGE),
    end: end + PAGE,
  };
}

/** The segments of `loader` as they lie in memory, so that no part of it needs to be filled. */
function image(loader: ElfView): { bytes: Uint8Array; segments: Segment[] } {
  const segments = loader.segments.filter(({ type }) => type === PT.LOAD);
  const bytes = new Uint8Array(
    Math.max(...segments.map(({ address, memorySize }) => address + memorySize)),
  );
  for (const { offset, address, fileSize } of segments) {
    bytes.set(loader.bytes.subarray(offset, offset + fileSize), address);
  }
  return { bytes, segments };
}

/** The strings with a path for each library after them, and where each path starts. */
function withPaths(strings: Uint8Array, libraries: BroughtFile[]) {
  const path = new TextEncoder().encode(`${PATH}\0`);
  const bytes = new Uint8Array(strings.length + path.length * libraries.length);
  bytes.set(strings);
  const offsets = libraries.map((_, i) => strings.length + path.length * i);
  for (const offset of offsets) bytes.set(path, offset);
  return { bytes, offsets };
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
  const runtime = elfRuntime(executable);
  const payload = executable.subarray(runtime.length);
  const old = new ElfView(runtime);
  const arch = old.arch as Target["arch"];
  const libraries = glibc.libraries.filter(({ name }) => old.needed.includes(name));
  const names = [glibc.loader, ...libraries].map(({ name }) => name);
  const missing = old.needed.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`the runtime needs ${missing.join(", ")} too`);

  const loader = image(new ElfView(glibc.loader.bytes));
  const strings = withPaths(old.strings, libraries);
  const layout = lay(arch, libraries, strings.bytes, loader.bytes);
  const { segments } = old;
  // The parts follow the runtime both in the file and in memory.
  const offset = roundUp(runtime.length, PAGE);
  const address = roundUp(
    Math.max(...segments.map(({ address, memorySize }) => address + memorySize)),
    PAGE,
  );

  const file = new Uint8Array(offset + layout.end + payload.length);
  file.set(runtime);
  file.set(
    launcher(arch, address, {
      headers: { address: old.headersOffset, count: segments.length },
      entry: old.entry,
      loader: {
        address: address + layout.loader,
        entry: address + layout.loader + new ElfView(glibc.loader.bytes).entry,
      },
      libraries: libraries.map(({ bytes }, i) => ({
        address: address + layout.libraries[i]!,
        size: bytes.length,
        pathEnd: address + layout.strings + strings.offsets[i]! + PATH.length,
      })),
    }),
    offset,
  );
  libraries.forEach(({ bytes }, i) => file.set(bytes, offset + layout.libraries[i]!));
  file.set(strings.bytes, offset + layout.strings);
  file.set(loader.bytes, offset + layout.loader);
  file.set(payload, offset + layout.end);

  const segment = (start: number, size: number, flags: number): Segment => ({
    type: PT.LOAD,
    flags,
    offset: offset + start,
    address: address + start,
    fileSize: size,
    memorySize: size,
    align: PAGE,
  });
  const view = new ElfView(file);
  view.renameNeeded(new Map(libraries.map(({ name }, i) => [name, strings.offsets[i]!])));
  view.moveStrings(address + layout.strings, strings.bytes.length);
  view.entry = address;
  view.writeSegments(offset + layout.headers, [
    ...segments.filter(({ type }) => type !== PT.INTERP && type !== PT.PHDR),
    segment(0, layout.strings, PF.R | PF.X),
    segment(layout.strings, strings.bytes.length, PF.R | PF.W),
    ...loader.segments.map(({ address, memorySize, flags }) =>
      segment(layout.loader + address, memorySize, flags)
    ),
  ]);
  return file;
}
