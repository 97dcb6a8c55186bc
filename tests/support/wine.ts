/** Runs Windows programs in tests, in the Wine directory that the script beside this file makes. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { linkOrCopy } from "./files.ts";

const SCRIPT = join(import.meta.dirname!, "wine");
const ROOT = Deno.env.get("WINE_ROOT") ?? "/opt/wine-trixie";

/** Why no Windows program can be run here, or nothing when one can. */
export function wineMissing(): string | undefined {
  if (Deno.build.os !== "linux") return "Wine's directory is for Linux";
  if (Deno.uid() !== 0) return "Wine's directory is for root alone";
  if (!existsSync(join(ROOT, ".ready"))) return "Wine is not set up: tests/support/wine setup";
}

/** How {@link WineDirectory.command} runs a program. */
export interface WineOptions {
  /** Its whole environment, beside what Wine needs. */
  env?: Record<string, string>;
}

/**
 * A directory that Windows programs see, one for each test. Leaving its scope ends what still runs
 * in it and deletes it.
 */
export class WineDirectory implements AsyncDisposable {
  /** Its path here. */
  readonly path: string;
  /** Its path for Windows programs. */
  readonly windowsPath: string;

  private constructor(path: string) {
    this.path = path;
    this.windowsPath = `Z:\\srv\\${basename(path)}`;
  }

  /** @param prefix what its name begins with */
  static async create(prefix = "converge-"): Promise<WineDirectory> {
    return new WineDirectory(await Deno.makeTempDir({ dir: join(ROOT, "srv"), prefix }));
  }

  /** Puts a file in; a link where that is possible, since executables are large. */
  async add(source: string, name = basename(source)): Promise<void> {
    const target = join(this.path, name);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await linkOrCopy(source, target);
  }

  /**
   * The command and its arguments that run `program`, a path like `./agent.exe`, in this directory.
   * Its process is the Windows program itself.
   */
  command(program: string, args: string[], options: WineOptions = {}): [string, string[]] {
    const variables = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    return [SCRIPT, ["run", this.path, ...variables, program, ...args]];
  }

  /** The processes that run in this directory now, with their command lines, by their numbers. */
  async processes(): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const cwd = await Deno.readLink(`/proc/${name}/cwd`);
        if (cwd !== this.path && !cwd.startsWith(`${this.path}/`)) continue;
        const command = await Deno.readTextFile(`/proc/${name}/cmdline`);
        found.set(Number(name), command.replaceAll("\0", " ").trim());
      } catch {
        // It has ended meanwhile.
      }
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (;;) {
      const left = await this.processes();
      if (left.size === 0) break;
      for (const pid of left.keys()) {
        try {
          Deno.kill(pid, "SIGKILL");
        } catch {
          // It has ended meanwhile.
        }
      }
    }
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The newest Deno for Windows on npm, and the SHA-256 of its program. */
const WINDOWS_DENO = {
  version: "2.9.5",
  sha256: "98f8c2a2d470e4ccb04c935c86ff8050817d877762aec5eaeeb9e409ccb3b9fd",
};

/**
 * The path of Deno for Windows, fetched from npm when it is not there yet.
 *
 * @throws {Error} if it cannot be had, or is not the one expected
 */
export async function windowsDeno(): Promise<string> {
  const { version, sha256 } = WINDOWS_DENO;
  const directory = join(import.meta.dirname!, "..", "..", ".build", `deno-windows-${version}`);
  const program = join(directory, "node_modules", "@deno", "win32-x64", "deno.exe");
  if (existsSync(program)) return program;

  // Deno installs a package for another system only where that is named itself.
  const fresh = `${directory}-${crypto.randomUUID()}`;
  await Deno.mkdir(fresh, { recursive: true });
  try {
    const imports = { deno: `npm:@deno/win32-x64@${version}` };
    await Deno.writeTextFile(
      join(fresh, "deno.json"),
      JSON.stringify({ nodeModulesDir: "auto", imports }),
    );
    const install = new Deno.Command(Deno.execPath(), { args: ["install"], cwd: fresh });
    const { success, stderr } = await install.output();
    if (!success) throw new Error(`cannot install ${imports.deno}: ${decode(stderr)}`);
    const bytes = await Deno.readFile(program.replace(directory, fresh));
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    if (new Uint8Array(digest).toHex() !== sha256) {
      throw new Error(`cannot use ${imports.deno}: its deno.exe is not the expected one`);
    }
    await Deno.rename(fresh, directory);
  } finally {
    await Deno.remove(fresh, { recursive: true }).catch(() => {});
  }
  return program;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}
