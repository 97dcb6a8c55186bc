/** A byte to and fro, over and over, through `cat` in a session of its own. */
export class Echo implements AsyncDisposable {
  /** How long each took, in milliseconds, and what the link carried meanwhile, in bytes. */
  readonly trips: { ms: number; carried: number }[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #carried: () => number;
  #going = true;
  #done: Promise<void>;

  /**
   * @param ssh the command line that opens the session
   * @param carried how many bytes the link has carried
   */
  constructor([ssh, ...args]: string[], carried: () => number) {
    this.#child = new Deno.Command(ssh!, {
      args: [...args, "job", "cat"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#carried = carried;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    const [writer, reader] = [this.#child.stdin.getWriter(), this.#child.stdout.getReader()];
    for (let first = true; this.#going; first = false) {
      const [start, carried] = [performance.now(), this.#carried()];
      await writer.write(new Uint8Array([120]));
      if ((await reader.read()).done) throw new Error("the shell has ended");
      const trip = { ms: performance.now() - start, carried: this.#carried() - carried };
      // The first one waits for the login.
      if (!first) this.trips.push(trip);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await writer.close();
    await reader.cancel();
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going = false;
    await this.#done;
  }
}
