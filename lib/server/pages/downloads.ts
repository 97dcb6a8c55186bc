import { join } from "node:path";
import type { Download } from "../../../templates/downloads.tsx";
import type { BuildState } from "../../dist/build_state.ts";
import { artifacts, TARGETS } from "../../dist/targets.ts";

/** What people call the systems. */
const PLATFORMS: Record<string, string> = {
  "linux-x64": "Linux on x86-64",
  "windows-x64": "Windows on x86-64",
  "linux-arm64": "Linux on ARM64",
  "darwin-arm64": "macOS on Apple silicon",
  "darwin-x64": "macOS on Intel",
};

/** What a bundle runs on, or an npm package of it. */
function withRuntime(packed?: boolean): string {
  return packed ? "any system with Node, for npm" : "any system with Deno";
}

/** The checksum of each file, from a list as `sha256sum` writes it, if there is one. */
async function readChecksums(directory: string): Promise<Map<string, string>> {
  const text = await Deno.readTextFile(join(directory, "SHA256SUMS")).catch(() => "");
  const lines = text.matchAll(/^([0-9a-f]{64}) [ *](\S+)$/gm);
  return new Map(Array.from(lines, ([, sum, name]) => [name!, sum!]));
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await Deno.stat(file).then(({ size }) => size, () => undefined);
}

/** Why a file is missing. */
function whyMissing(name: string, build: BuildState | undefined): string {
  if (!build?.names.has(name) || build.status === "ready") {
    return "This file is not on this server.";
  }
  return build.status === "building"
    ? "This file is still being built. Come back in a minute."
    : `This file cannot be built: ${build.reason}`;
}

/**
 * What can be downloaded, and what is missing. A file exists once its checksum is known.
 *
 * @param directory where the build puts the files
 * @param build how far that is
 */
export async function listDownloads(directory: string, build?: BuildState): Promise<Download[]> {
  const checksums = await readChecksums(directory);
  const shown: Download[] = [];
  for (const { name, program, target, packed } of artifacts(TARGETS)) {
    const path = join(directory, name);
    const size = await sizeOf(path);
    const sha256 = checksums.get(name);
    const there = size !== undefined && sha256 !== undefined;
    const compressedSize = await sizeOf(`${path}.zst`) ?? await sizeOf(`${path}.gz`);
    shown.push({
      name,
      program,
      platform: target === undefined ? withRuntime(packed) : PLATFORMS[target.name]!,
      system: target?.os ?? (packed ? "node" : "deno"),
      file: there ? { size, sha256, compressedSize } : whyMissing(name, build),
    });
  }
  // Executables first, scripts last.
  const isScript = ({ system }: Download) => system === "deno" || system === "node";
  return shown.toSorted((a, b) => Number(isScript(a)) - Number(isScript(b)));
}
