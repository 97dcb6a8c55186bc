import assert from "node:assert/strict";
import { delay } from "../../../lib/wire/delay.ts";
import { Program } from "../program.ts";

/** What answers: a shell would show prompts too, and switch modes of the terminal. */
const ANSWERS = "echo ready-$$; while read -r line; do test $line = bye && exit 7; " +
  "echo $line-$$; done";

/**
 * A shell in a terminal of the job in which a person types line after line, and waits for each
 * answer; leaving its scope cuts it off.
 */
export class CountingShell implements AsyncDisposable {
  readonly #ssh: Program;
  #lines = 0;
  /** How long each answer took, in milliseconds. */
  readonly pauses: number[] = [];
  #stopped = false;
  #answered = Promise.withResolvers<void>();
  #typing?: Promise<void>;

  private constructor(args: string[]) {
    this.#ssh = new Program("ssh", ["-tt", ...args], { interactive: true });
  }

  /** @param args of ssh; resolves when the shell has answered for the first time */
  static async open(args: string[]): Promise<CountingShell> {
    const shell = new CountingShell(args);
    await shell.#ssh.write(`stty -echo -onlcr; exec sh -c '${ANSWERS}'\n`);
    await shell.#ssh.waitFor(/ready-\d+\n/);
    return shell;
  }

  get program(): Program {
    return this.#ssh;
  }

  /** The shell's process in the job. */
  get pid(): number {
    return Number(/ready-(\d+)\n/.exec(this.#ssh.stdout)![1]);
  }

  /** Types a line and waits for the answer. */
  async type(): Promise<void> {
    const before = this.#ssh.printed;
    const start = performance.now();
    await this.#ssh.write(`line-${++this.#lines}\n`);
    await this.#ssh.waitFor(/\n/, before);
    this.pauses.push(performance.now() - start);
    this.#answered.resolve();
    this.#answered = Promise.withResolvers();
  }

  /**
   * Goes on with that until {@link stop}.
   *
   * @param thinkingMs from an answer to the next line, in milliseconds
   */
  startTyping(thinkingMs = 20): void {
    const type = async () => {
      while (!this.#stopped) {
        await this.type();
        await delay(thinkingMs);
      }
    };
    this.#typing = type();
    this.#typing.catch(() => {});
  }

  /** Waits for the next answer. */
  async answered(): Promise<void> {
    await Promise.race([this.#answered.promise, this.#typing]);
  }

  /** Ends the shell as a person does, and checks that each answer came once, and in order. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#typing;
    await this.#ssh.write("bye\n");
    const { code, stdout, stderr } = await this.#ssh.result();
    assert.equal(code, 7, stderr);
    const answers = stdout.slice(stdout.indexOf(`ready-${this.pid}\n`));
    const lines = Array.from({ length: this.#lines }, (_, i) => `line-${i + 1}-${this.pid}\n`);
    assert.equal(answers, `ready-${this.pid}\n${lines.join("")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#ssh[Symbol.asyncDispose]();
    await this.#typing?.catch(() => {});
  }
}
