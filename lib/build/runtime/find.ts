/**
 * Where the runtime that `deno compile` embeds comes from: first what Deno itself would use
 * (`DENORT_BIN`, its cache, its download site), else the npm registry.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { errorMessage } from "../../text/error_message.ts";
import { runCommand } from "../command.ts";
import type { Target } from "../../dist/targets.ts";
import { NPM_RUNTIME_VERSION, npmCompiler, npmRuntime } from "./npm.ts";

const DOWNLOAD_SITE = "https://dl.deno.land";

/** How long the download site may take to answer, in milliseconds. */
const SITE_TIMEOUT_MS = 3_000;

/** What compiles, and with which runtime. */
export interface Runtime {
  /** The Deno that compiles. */
  deno: string;
  /** Changes to its environment, see {@link runCommand}. */
  env: Record<string, string | undefined>;
  /** Where the runtime comes from, for people. */
  origin: string;
}

export interface FindRuntimeOptions {
  /** Where what comes from the npm registry is kept. */
  work: string;
  signal?: AbortSignal;
  /** Where `DENORT_BIN` and `DENO_DIR` are looked up. @default the environment of this process */
  env?: Record<string, string>;
  /** @default Deno's own */
  downloadSite?: string;
}

/** The platform of an executable by its first bytes, as in {@link Target}. */
function platform(header: Uint8Array): { os: string; arch: string } | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const arch = (code: number, x86: number, arm: number) =>
    code === x86 ? "x86_64" : code === arm ? "aarch64" : "";
  if (view.getUint32(0) === 0x7f454c46) {
    return { os: "linux", arch: arch(view.getUint16(18, true), 62, 183) };
  }
  if (view.getUint32(0, true) === 0xfeedfacf) {
    return { os: "darwin", arch: arch(view.getUint32(4, true), 0x01000007, 0x0100000c) };
  }
  const pe = view.getUint16(0) === 0x4d5a ? view.getUint32(0x3c, true) : header.length;
  if (pe + 6 <= header.length && view.getUint32(pe) === 0x50450000) {
    return { os: "windows", arch: arch(view.getUint16(pe + 4, true), 0x8664, 0xaa64) };
  }
  return undefined;
}

/** Whether the executable at `path` is one for `target`. */
async function isFor(target: Target, path: string): Promise<boolean> {
  const header = new Uint8Array(4096);
  try {
    using file = await Deno.open(path);
    await file.read(header);
  } catch (cause) {
    const why = errorMessage(cause);
    throw new Error(`cannot read DENORT_BIN "${path}": ${why}`, { cause });
  }
  const found = platform(header);
  return found?.os === target.os && found.arch === target.arch;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Finds the runtime for a target; throws without one that can be trusted. */
export type RuntimeFinder = (target: Target) => Promise<Runtime>;

/** Makes a finder, which asks the download site no more once it did not answer. */
export function createRuntimeFinder(options: FindRuntimeOptions): RuntimeFinder {
  const { work, signal, downloadSite = DOWNLOAD_SITE } = options;
  const { DENORT_BIN, DENO_DIR } = options.env ?? Deno.env.toObject();
  const deno = Deno.execPath();
  let unreachable: string | undefined;

  /** Why the download site does not give `file`, or undefined if it does. */
  const whyNotOnSite = async (file: string): Promise<string | undefined> => {
    if (unreachable !== undefined) return unreachable;
    const timeout = AbortSignal.timeout(SITE_TIMEOUT_MS);
    try {
      const response = await fetch(`${downloadSite}/${file}`, {
        method: "HEAD",
        signal: AbortSignal.any([timeout, ...signal ? [signal] : []]),
      });
      return response.ok ? undefined : `Deno's download site answers ${response.status}`;
    } catch {
      signal?.throwIfAborted();
      return unreachable = timeout.aborted
        ? `Deno's download site does not answer within ${SITE_TIMEOUT_MS / 1000} s`
        : "Deno's download site cannot be reached";
    }
  };

  return async (target) => {
    const given = DENORT_BIN && resolve(DENORT_BIN);
    if (given && await isFor(target, given)) {
      return { deno, env: { DENORT_BIN: given }, origin: `DENORT_BIN, ${given}` };
    }
    // Deno would take one of another platform all the same.
    const env = { DENORT_BIN: undefined };
    const version = Deno.version.deno;
    const file = `release/v${version}/denort-${target.triple}.zip`;
    const info = await runCommand(deno, ["info", "--json"], { env: { DENO_DIR }, signal });
    const { denoDir } = JSON.parse(info);
    if (await exists(join(denoDir, "dl", file))) {
      return { deno, env, origin: `Deno ${version}, in Deno's cache` };
    }
    const why = await whyNotOnSite(file);
    if (why === undefined) {
      return { deno, env, origin: `Deno ${version}, from Deno's download site` };
    }
    try {
      const runtime = await npmRuntime(target, { work, signal });
      return {
        deno: await npmCompiler({ work, signal }),
        env: { DENORT_BIN: runtime },
        origin: `Deno ${NPM_RUNTIME_VERSION}, out of the npm registry: ${why}`,
      };
    } catch (cause) {
      signal?.throwIfAborted();
      throw new Error(
        `cannot get the runtime for ${target.name}: ${why}, and ${errorMessage(cause)}`,
        { cause },
      );
    }
  };
}
