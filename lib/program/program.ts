/**
 * How each of the four programs starts and ends.
 *
 * - stdout is for results; messages go to stderr.
 * - A failure is one line, `name: cannot … : why`, with what to do about it where that helps.
 * - Exit status: 0 a clean end, 1 a failure, 2 wrong use.
 *
 * @module
 */

import { UsageError } from "../cli/usage_error.ts";
import { stderrText, stdoutText } from "../log/text_writer.ts";
import { formatDuration } from "../../templates/assets/shared/format.js";
import { errorMessage } from "../text/error_message.ts";

const SIGNALS: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Within this time two signals count as one, in milliseconds: a terminal sends Ctrl-C to all
 * programs in the foreground, and those that started this one, such as `deno task`, pass it on.
 */
const SAME_SIGNAL_MS = 1_000;

/**
 * How long a reader of stdout or stderr may take nothing when the program ends, in milliseconds.
 */
const FLUSH_MS = 1_000;

/** How long a program that a signal ends may take for that, in milliseconds. */
const END_MS = 10_000;

/** Whether this program was started to ignore SIGHUP, as nohup does; known on Linux only. */
function ignoresHangup(): boolean {
  const path = "/proc/self/status";
  if (Deno.build.os !== "linux") return false;
  // Without the permission to read, Deno would ask the person for it.
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  let status: string;
  try {
    status = Deno.readTextFileSync(path);
  } catch {
    // Reading /proc takes more than the permission to read files.
    return false;
  }
  const [, lastDigit] = status.match(/^SigIgn:.*([0-9a-f])$/m) ?? [];
  // A mask in hexadecimal, SIGHUP its lowest bit.
  return (parseInt(lastDigit ?? "0", 16) & 1) === 1;
}

/** Signals of the operating system as AbortSignals, with the name as the reason. */
class SignalWatch implements Disposable {
  readonly #first = new AbortController();
  readonly #again = new AbortController();
  #firstAt = 0;
  readonly #ignoresHangup = ignoresHangup();
  #onHangup: (() => void) | undefined;
  readonly #listeners = SIGNALS.map((name) => {
    const listener = () => this.#received(name);
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });

  /** Aborted by the first signal: the program is to end. */
  get signal(): AbortSignal {
    return this.#first.signal;
  }

  /** Aborted by another: it is to end at once. */
  get again(): AbortSignal {
    return this.#again.signal;
  }

  /** Gives SIGHUP another meaning than to end. */
  onHangup(listener: () => void): void {
    this.#onHangup = listener;
  }

  #received(name: Deno.Signal): void {
    if (name === "SIGHUP" && this.#onHangup) return this.#onHangup();
    // Not listening is not enough: with a listener for any signal, Deno handles SIGHUP too.
    if (name === "SIGHUP" && this.#ignoresHangup) return;
    if (!this.signal.aborted) {
      this.#firstAt = performance.now();
      this.#first.abort(name);
    } else if (performance.now() - this.#firstAt > SAME_SIGNAL_MS) {
      this.#again.abort(name);
    }
  }

  [Symbol.dispose](): void {
    for (const { name, listener } of this.#listeners) Deno.removeSignalListener(name, listener);
  }
}

/** Writes to stdout; a stdout that is closed, or that nobody reads, does not stop the program. */
export function writeStdout(text: string): void {
  stdoutText.write(text);
}

/** Writes a line to stderr in the same way. */
export function writeStderr(line: string): void {
  stderrText.write(`${line}\n`);
}

/**
 * Writes a line to stderr while another program may use the terminal, and does not expect it: ssh
 * has it in raw mode, in which a new line does not return to the margin.
 */
export function interruptStderr(line: string): void {
  stderrText.write(Deno.stderr.isTerminal() ? `\r\n${line}\r\n` : `${line}\n`);
}

/** The exit status of a program that a signal ended, as in shells: 128 plus its number. */
export function signalStatus(signal: AbortSignal): number {
  return { SIGHUP: 129, SIGINT: 130, SIGBREAK: 130, SIGTERM: 143 }[String(signal.reason)] ?? 1;
}

/** Resolves some time after the signal: whatever the program is still doing hangs. */
function overdue(signal: AbortSignal, milliseconds: number): Promise<number> {
  return new Promise((resolve) => {
    const end = () => {
      writeStderr(`not ended in order within ${formatDuration(milliseconds)}: something hangs`);
      resolve(signalStatus(signal));
    };
    signal.addEventListener("abort", () => {
      if (milliseconds !== Infinity) setTimeout(end, milliseconds);
    });
  });
}

/**
 * Runs a program until it ends by itself or by a signal, then exits.
 *
 * @param main gets the arguments, the signals of {@link SignalWatch} and its `onHangup`; resolves
 * to the exit status (0 if undefined), throws for a failure
 * @param endMs how long it may take to end after a signal, in milliseconds [10 s]
 */
export async function runProgram(
  name: string,
  main: (
    args: string[],
    signal: AbortSignal,
    again: AbortSignal,
    onHangup: SignalWatch["onHangup"],
  ) => Promise<number | void>,
  endMs = END_MS,
): Promise<never> {
  let status: number;
  using signals = new SignalWatch();
  try {
    const { signal, again } = signals;
    const running = main(Deno.args, signal, again, (listener) => signals.onHangup(listener));
    status = await Promise.race([running, overdue(signal, endMs)]) ?? 0;
  } catch (error) {
    writeStderr(`${name}: ${errorMessage(error)}`);
    status = error instanceof UsageError ? 2 : 1;
  }
  await Promise.all([stdoutText.flush(FLUSH_MS), stderrText.flush(FLUSH_MS)]);
  Deno.exit(status);
}
