/** What the tests of programs on Windows share. */
import { join } from "node:path";
import type { ByteSource, ProcessOptions } from "../../../lib/process/process.ts";

export const ON_WINDOWS = Deno.build.os === "windows";

/** Whether the tests run under Wine, which can do less. */
export const ON_WINE = ON_WINDOWS &&
  (await import("../../../lib/process/windows/wine.ts")).IS_WINE;

/** The module under test; only Windows can load it. */
export const { spawnWindowsProcess: spawnProcess, spawnWindowsPty: spawnPty } = ON_WINDOWS
  ? await import("../../../lib/process/windows/process.ts")
  : {} as typeof import("../../../lib/process/windows/process.ts");

/** More than the threads that Deno has for blocking calls on Windows, four a processor. */
export const MANY = 4 * navigator.hardwareConcurrency + 2;

/** cmd.exe, or another program, in the tests' own directory and environment. */
export function program(file = "cmd.exe", ...args: string[]): ProcessOptions {
  return { file, args, cwd: Deno.cwd(), env: Deno.env.toObject() };
}

/** This Deno, running some code. */
export function deno(code: string, ...args: string[]): ProcessOptions {
  return program(Deno.execPath(), "eval", code, ...args);
}

/** All bytes until end of file. */
export async function readAll(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) {
    chunks.push(chunk.slice());
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** All text until end of file. */
export async function readText(source: ByteSource): Promise<string> {
  return new TextDecoder().decode(await readAll(source));
}

/** What a terminal shows, without what only moves the cursor and the like. */
export class Screen {
  readonly #source: ByteSource;
  readonly #decoder = new TextDecoder();
  #raw = "";

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get text(): string {
    // deno-lint-ignore no-control-regex
    return this.#raw.replaceAll(/\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]/g, "");
  }

  /** Reads on until the text matches, and forgets it up to there. */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.text.match(pattern);
      if (match) {
        this.#raw = this.text.slice(match.index! + match[0].length);
        return match;
      }
      const chunk = await this.#source.read();
      if (chunk === null) throw new Error(`no ${pattern} in ${JSON.stringify(this.text)}`);
      this.#raw += this.#decoder.decode(chunk, { stream: true });
    }
  }

  /** Reads on to end of file. */
  async untilEnd(): Promise<string> {
    this.#raw += await readText(this.#source);
    return this.text;
  }
}

/** What the tests alone need of Windows. */
const kernel32 = ON_WINDOWS
  ? Deno.dlopen("kernel32.dll", {
    OpenProcess: { parameters: ["u32", "i32", "u32"], result: "u64" },
    WaitForSingleObject: { parameters: ["u64", "u32"], result: "u32", nonblocking: true },
    CloseHandle: { parameters: ["u64"], result: "i32" },
  }).symbols
  : undefined;

/** Shows that a tree of programs runs, and that all of it ends. */
export class Tree implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #depth = 2;
  readonly #connections: Deno.Conn[] = [];
  /** Handles of the programs. Wine 10 at times keeps a connection of one that has ended. */
  readonly #processes: bigint[] = [];

  /** What starts it. */
  get program(): ProcessOptions {
    const { port } = this.#listener.addr as Deno.NetAddr;
    const source = join(import.meta.dirname!, "tree.ts");
    const args = ["run", "-A", "--no-config", source, `${this.#depth}`, `${port}`];
    return program(Deno.execPath(), ...args);
  }

  /** The same for cmd.exe. */
  get command(): string {
    return [this.program.file, ...this.program.args].join(" ");
  }

  /** Resolves when all programs run. */
  async started(): Promise<void> {
    const SYNCHRONIZE = 0x10_0000;
    while (this.#processes.length <= this.#depth) {
      const connection = await this.#listener.accept();
      this.#connections.push(connection);
      const pid = new Uint32Array(1);
      await connection.read(new Uint8Array(pid.buffer));
      const handle = kernel32!.OpenProcess(SYNCHRONIZE, 0, pid[0]!);
      if (handle === 0n) throw new Error(`no process ${pid[0]}`);
      this.#processes.push(handle);
    }
  }

  /** Resolves when none of them runs. */
  async ended(): Promise<void> {
    const INFINITE = 0xffff_ffff;
    for (const handle of this.#processes) await kernel32!.WaitForSingleObject(handle, INFINITE);
  }

  [Symbol.dispose](): void {
    for (const handle of this.#processes) kernel32!.CloseHandle(handle);
    for (const connection of this.#connections) connection.close();
    this.#listener.close();
  }
}
