/**
 * How each of the four programs starts and ends.
 *
 * - stdout is for what a program is for; everything said to a person goes to stderr.
 * - A failure is one line, `name: cannot … : why`, with a hint what to do where there is one.
 * - Exit status: 0 a clean end, 1 a failure at run time, 2 wrong use.
 *
 * @module
 */

/** Wrong use of a program: exit status 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The message of anything thrown, on one line. */
export function errorMessage(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.replaceAll(/\s*\n\s*/g, " ");
}

const SIGNALS: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** An AbortSignal that a signal of the operating system aborts, its name as the reason. */
export class SignalWatch implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners = SIGNALS.map((name) => {
    const listener = () => this.#controller.abort(name);
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const { name, listener } of this.#listeners) Deno.removeSignalListener(name, listener);
  }
}

/** Writes to stdout; a closed one must not end the program. */
export function writeStdout(text: string): void {
  try {
    const bytes = new TextEncoder().encode(text);
    let written = 0;
    while (written < bytes.length) written += Deno.stdout.writeSync(bytes.subarray(written));
  } catch {
    // Nobody is listening.
  }
}

/** The exit status of a program that a signal has ended, as shells have it: 128 and its number. */
export function signalStatus(signal: AbortSignal): number {
  return { SIGHUP: 129, SIGINT: 130, SIGBREAK: 130, SIGTERM: 143 }[String(signal.reason)] ?? 1;
}

/**
 * Runs a program until it ends by itself or a signal asks it to, then exits.
 *
 * @param main gets the arguments; resolves to the exit status (nothing is 0), throws for a failure
 */
export async function runProgram(
  name: string,
  main: (args: string[], signal: AbortSignal) => Promise<number | void>,
): Promise<never> {
  let status: number;
  using signals = new SignalWatch();
  try {
    status = await main(Deno.args, signals.signal) ?? 0;
  } catch (error) {
    console.error(`${name}: ${errorMessage(error)}`);
    status = error instanceof UsageError ? 2 : 1;
  }
  Deno.exit(status);
}
