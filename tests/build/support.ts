/** What the tests of the build share. */
import { join } from "node:path";
import { builtDist, startBuildProgram, WORK } from "../support/dist.ts";
import { linkOrCopy } from "../support/files.ts";
import { run } from "../support/program.ts";
import { ROOT } from "../support/root.ts";

/** The project's sources, and what was built of them. */
export interface Snapshot {
  root: string;
  dist: string;
}

let taken: Promise<Snapshot> | undefined;

/** A copy of the project that stays the same while its files are worked on, until the tests end. */
export function snapshot(): Promise<Snapshot> {
  return taken ??= (async () => {
    const dir = Deno.makeTempDirSync({ prefix: "converge-test-" });
    addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
    const root = await copyProject(ROOT, join(dir, "root"));
    const dist = await linkDist(await builtDist(), join(dir, "dist"));
    await using program = startBuildProgram(["--out-dir", dist], { root });
    const { code, stderr } = await program.result();
    if (code !== 0) throw new Error(`the build failed: ${stderr}`);
    return { root, dist };
  })();
}

/**
 * Copies the sources of the programs; packages and runtimes are shared. @returns the new directory
 */
export async function copyProject(from: string, to: string): Promise<string> {
  const names = [
    ...["LICENSE", "deno.json", "deno.lock", "lib", "templates"],
    ...["agent.ts", "wsproxy.ts", "tunnel.ts", "server.ts"],
  ];
  await Deno.mkdir(join(to, "tests"), { recursive: true });
  // A member of the workspace has to be there.
  await Deno.copyFile(join(from, "tests/deno.json"), join(to, "tests/deno.json"));
  const { code, stderr } = await run("cp", ["-r", ...names.map((name) => join(from, name)), to]);
  if (code !== 0) throw new Error(stderr);
  await Deno.symlink(WORK, join(to, ".build"));
  return to;
}

/** Links what was built, where that is possible: the build never changes a file in place. */
export async function linkDist(from: string, to: string): Promise<string> {
  await Deno.mkdir(to);
  for (const { name, isFile } of Deno.readDirSync(from)) {
    if (isFile) await linkOrCopy(join(from, name), join(to, name));
  }
  return to;
}

/** Checks files against their list of checksums, and says which do not fit. */
export async function checkSums(dir: string): Promise<void> {
  const { code, stdout, stderr } = await run("sha256sum", ["-c", "--quiet", "SHA256SUMS"], {
    cwd: dir,
  });
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
}
