/**
 * The directory with what was built. Each file gets there whole: it is written in `.partial` and
 * renamed. `SHA256SUMS` lists the files; `.build.json` says what they were made from.
 *
 * @module
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMPRESSED_SUFFIXES } from "./compress.ts";

/** A file that was built. */
export interface BuiltFile {
  /** A hash of all that it was made from. */
  key: string;
  sha256: string;
  /** As {@link fileStamp} gives it. */
  stamp: string;
}

/** What `.build.json` holds. */
export interface Manifest {
  /** By name. */
  files: Record<string, BuiltFile>;
  /** The sources of the last whole build, absolute, with what {@link fileStamp} gives. */
  inputs: Record<string, string>;
  /** The toolchain of the last whole build. */
  toolchain: string;
}

/** Size and modification time of a file, or undefined without such a file. */
export function fileStamp(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? `${stat.size} ${stat.mtimeMs}` : undefined;
}

/** The directory with what was built. */
export class Dist {
  readonly dir: string;
  readonly manifest: Manifest;

  /** Opens it, whether it exists or not. */
  constructor(dir: string) {
    this.dir = dir;
    try {
      this.manifest = JSON.parse(readFileSync(join(dir, ".build.json"), "utf8"));
    } catch {
      this.manifest = { files: {}, inputs: {}, toolchain: "" };
    }
  }

  /** Whether the file and its compressed copies are there as they were built. */
  has(name: string): boolean {
    const path = join(this.dir, name);
    const built = this.manifest.files[name];
    return built !== undefined && built.stamp === fileStamp(path) &&
      COMPRESSED_SUFFIXES.every((suffix) => fileStamp(path + suffix) !== undefined);
  }

  /** Makes an empty directory to write aside in. */
  makePartial(): string {
    const partial = join(this.dir, ".partial");
    this.removePartial();
    mkdirSync(partial, { recursive: true });
    return partial;
  }

  removePartial(): void {
    rmSync(join(this.dir, ".partial"), { recursive: true, force: true });
  }

  /**
   * Puts a file that was written aside in its place, with its compressed copies. A copy never
   * stands beside another file than its own.
   */
  publish(name: string, key: string, sha256: string): void {
    const path = join(this.dir, name);
    const partial = join(this.dir, ".partial", name);
    for (const suffix of COMPRESSED_SUFFIXES) rmSync(path + suffix, { force: true });
    renameSync(partial, path);
    for (const suffix of COMPRESSED_SUFFIXES) renameSync(partial + suffix, path + suffix);
    this.manifest.files[name] = { key, sha256, stamp: fileStamp(path)! };
    this.#save();
  }

  /** Notes from which sources and with what all was built, see {@link Manifest}. */
  finish(inputs: Record<string, string>, toolchain: string): void {
    this.manifest.inputs = inputs;
    this.manifest.toolchain = toolchain;
    this.#save();
  }

  #save(): void {
    for (const name of Object.keys(this.manifest.files)) {
      if (!this.has(name)) delete this.manifest.files[name];
    }
    const files = Object.entries(this.manifest.files).sort(([a], [b]) => a < b ? -1 : 1);
    this.#replace("SHA256SUMS", files.map(([name, { sha256 }]) => `${sha256}  ${name}\n`).join(""));
    this.#replace(".build.json", JSON.stringify(this.manifest));
  }

  #replace(name: string, text: string): void {
    const partial = join(this.dir, ".partial", name);
    writeFileSync(partial, text);
    renameSync(partial, join(this.dir, name));
  }
}
