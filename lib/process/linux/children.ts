import { SIGNAL_NAMES } from "../posix/signals.ts";
import type { ExitStatus } from "../process.ts";
import { libc } from "./libc.ts";

/** The flag of waitpid(2). */
const WNOHANG = 1;

/** How often children are looked at without a signal, in milliseconds. */
const TICK_MS = 1000;

/** What waitpid(2) says of a child that has ended. */
export function decodeStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  if (signal === 0) return { code: (status >> 8) & 0xff };
  const name = SIGNAL_NAMES[signal];
  return name ? { signal: name, coreDumped: (status & 0x80) !== 0 } : { code: 128 + signal };
}

const running = new Map<number, (status: ExitStatus) => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function look(): void {
  const status = new Int32Array(1);
  for (const [pid, resolve] of running) {
    const found = libc.waitpid(pid, new Uint8Array(status.buffer), WNOHANG);
    if (found === 0) continue;
    running.delete(pid);
    // Without a status somebody else has waited for it.
    resolve(found === pid ? decodeStatus(status[0]!) : { code: 255 });
  }
  if (running.size > 0 || ticking === undefined) return;
  clearInterval(ticking);
  ticking = undefined;
  Deno.removeSignalListener("SIGCHLD", look);
}

/**
 * Starts a child with `start`, which returns its process ID, and waits for its end.
 *
 * @throws {Error} what `start` throws
 */
export function watchChild(start: () => number): { pid: number; exited: Promise<ExitStatus> } {
  if (ticking === undefined) {
    // A listener does not keep this program from exiting, a timer does; and if a signal is lost,
    // its tick corrects that.
    Deno.addSignalListener("SIGCHLD", look);
    ticking = setInterval(look, TICK_MS);
  }
  try {
    const pid = start();
    return { pid, exited: new Promise((resolve) => running.set(pid, resolve)) };
  } finally {
    look();
  }
}
