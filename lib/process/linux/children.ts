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

/** Whether the programs that others leave behind become children of this one. */
const isInit = Deno.pid === 1;

/** The argument of waitpid(2) for any child. */
const ANY = -1;

function look(): void {
  const status = new Int32Array(1);
  const wait = (pid: number) => libc.waitpid(pid, new Uint8Array(status.buffer), WNOHANG);
  const ended = (pid: number, how: ExitStatus) => {
    running.get(pid)?.(how);
    running.delete(pid);
  };
  if (isInit) {
    for (let pid = wait(ANY); pid > 0; pid = wait(ANY)) ended(pid, decodeStatus(status[0]!));
    return;
  }
  for (const pid of running.keys()) {
    const found = wait(pid);
    // Without a status, other code has waited for it.
    if (found !== 0) ended(pid, found === pid ? decodeStatus(status[0]!) : { code: 255 });
  }
  if (running.size > 0 || ticking === undefined) return;
  clearInterval(ticking);
  ticking = undefined;
  Deno.removeSignalListener("SIGCHLD", look);
}

function startLooking(): void {
  if (ticking !== undefined) return;
  // A listener does not keep this program from exiting, a timer does; and if a signal is lost,
  // its tick corrects that.
  Deno.addSignalListener("SIGCHLD", look);
  ticking = setInterval(look, TICK_MS);
}

/**
 * As process 1 (pid_namespaces(7)), waits from now on for all programs that others leave behind.
 */
export function startReaping(): void {
  if (isInit) startLooking();
}

/**
 * Starts a child with `start`, which returns its process ID, and waits for its end.
 *
 * @throws {Error} what `start` throws
 */
export function watchChild(start: () => number): { pid: number; exited: Promise<ExitStatus> } {
  startLooking();
  try {
    const pid = start();
    return { pid, exited: new Promise((resolve) => running.set(pid, resolve)) };
  } finally {
    look();
  }
}
