import { join } from "node:path";
import type { System } from "../../templates/assets/choices.js";
import type { Download } from "../../templates/downloads.tsx";
import { artifacts, type Target, TARGETS } from "../build/targets.ts";

/** The systems, as people know them. */
const PLATFORMS: Record<string, string> = {
  "linux-x64": "Linux on x86-64",
  "windows-x64": "Windows on x86-64",
  "linux-arm64": "Linux on ARM64",
  "darwin-arm64": "macOS on Apple silicon",
  "darwin-x64": "macOS on Intel",
};

/** The checksum of each file, as `sha256sum` writes them; none if the list is not there. */
async function readChecksums(folder: string): Promise<Map<string, string>> {
  const text = await Deno.readTextFile(join(folder, "SHA256SUMS")).catch(() => "");
  const lines = text.matchAll(/^([0-9a-f]{64}) [ *](\S+)$/gm);
  return new Map(Array.from(lines, ([, sum, name]) => [name!, sum!]));
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await Deno.stat(file).then(({ size }) => size, () => undefined);
}

/**
 * What is there to download. A file that is always built is listed even while it is missing, others
 * only if they are there. A file counts as there once its checksum is known.
 *
 * @param folder where the build puts the files
 */
export async function listDownloads(folder: string): Promise<Download[]> {
  const checksums = await readChecksums(folder);
  const listed = await Promise.all(
    artifacts(TARGETS).map(async ({ name, program, target }) => {
      const path = join(folder, name);
      const [size, zstd, gzip] = await Promise.all(
        [path, `${path}.zst`, `${path}.gz`].map(sizeOf),
      );
      const sha256 = checksums.get(name);
      const file = size === undefined || sha256 === undefined
        ? undefined
        : { size, sha256, compressedSize: zstd ?? gzip };
      const download: Download = {
        name,
        program,
        platform: target === undefined ? "any system with Deno" : PLATFORMS[target.name]!,
        system: target?.os ?? "deno",
        file,
      };
      return { download, wanted: target?.byDefault ?? false };
    }),
  );
  const shown = listed.filter(({ download, wanted }) => wanted || download.file !== undefined)
    .map(({ download }) => download);
  // Executables first, scripts last.
  return shown.toSorted((a, b) => Number(a.system === "deno") - Number(b.system === "deno"));
}

/** What the form calls a target. */
function systemOf({ name, os, byDefault }: Target): System {
  return (byDefault ? os : name) as System;
}

/** The systems that the form offers: those that are always built, and those with an agent here. */
export function systemsOf(downloads: Download[]): System[] {
  const names = new Set(downloads.map(({ name }) => name));
  return TARGETS.filter(({ suffix }) => names.has(`agent${suffix}`)).map(systemOf);
}
