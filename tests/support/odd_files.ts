/** What may lie where a file is expected, and what is said of it. */
import { join } from "node:path";
import { succeed } from "./clients.ts";
import { TempDir } from "./program.ts";

/** One kind: its name, its path, and why it is not read as a file. */
export type OddFile = [kind: string, path: string, why: RegExp];

/** A directory with one of each kind; leaving its scope removes it. */
export class OddFiles implements AsyncDisposable {
  readonly #dir = new TempDir();
  readonly #listener: Deno.UnixListener;

  private constructor(readonly all: OddFile[]) {
    this.#listener = Deno.listen({ transport: "unix", path: this.path("socket") });
  }

  static async make(): Promise<OddFiles> {
    const files = new OddFiles([]);
    await succeed("mkfifo", [files.path("pipe"), files.path("pipe-2")]);
    Deno.mkdirSync(files.path("directory"));
    Deno.symlinkSync(files.path("pipe-2"), files.path("link"));
    Deno.symlinkSync(files.path("loop"), files.path("loop"));
    Deno.writeFileSync(files.path("sparse"), new Uint8Array());
    Deno.truncateSync(files.path("sparse"), 2 ** 40);
    files.all.push(
      ["a pipe that nobody writes to", files.path("pipe"), /it is a pipe/],
      ["a link to such a pipe", files.path("link"), /it is a pipe/],
      ["a link to itself", files.path("loop"), /its symbolic links lead nowhere/],
      ["a directory", files.path("directory"), /it is a directory/],
      ["a socket", files.path("socket"), /it is a socket/],
      ["a file of a terabyte", files.path("sparse"), /it is larger than/],
      ["a device without end", "/dev/zero", /it is a device/],
      ["a device that is full", "/dev/full", /it is a device/],
    );
    return files;
  }

  path(name: string): string {
    return join(this.#dir.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#dir[Symbol.asyncDispose]();
  }
}
