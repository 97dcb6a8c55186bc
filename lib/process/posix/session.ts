/**
 * The processes of a POSIX session (setsid(2)): all that a program has started, in whatever process
 * group, unless something went to a session of its own on purpose.
 *
 * @module
 */
import { delay } from "../../wire/delay.ts";
import { signalName } from "./signals.ts";

/** How long processes have to end after SIGHUP, in milliseconds. */
const GRACE_MS = 1000;

/** How long to wait for their end after SIGKILL; what hangs in the kernel outlives it. */
const KILL_MS = 2000;

/** One process, as far as it matters here. */
export interface ProcessEntry {
  pid: number;
  session: number;
  /** The foreground process group of its terminal, or something below 1. */
  foreground: number;
  /** Whether it has ended and waits for its parent to notice. */
  zombie: boolean;
}

/** Reads /proc/PID/stat (proc(5)); the name in parentheses may itself hold any character. */
export function parseStat(stat: string): ProcessEntry {
  const [state, , , session, , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    pid: parseInt(stat),
    session: Number(session),
    foreground: Number(foreground),
    zombie: state === "Z" || state === "X",
  };
}

/** How many processes are looked at before other things may happen. */
const SLICE = 100;

/**
 * Reads synchronously, which is several times faster, and in slices, so that nobody has to wait
 * long.
 */
async function listProc(): Promise<ProcessEntry[]> {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((n) =>
    /^\d+$/.test(n)
  );
  const entries: ProcessEntry[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index % SLICE === SLICE - 1) await delay(0);
    try {
      entries.push(parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`)));
    } catch {
      // It has ended meanwhile.
    }
  }
  return entries;
}

/** For macOS, whose ps knows all but the session. */
async function listPs(): Promise<ProcessEntry[]> {
  const columns = ["pid=", "tpgid=", "stat="].flatMap((column) => ["-o", column]);
  const { stdout } = await new Deno.Command("ps", { args: ["-A", ...columns] }).output();
  const system = Deno.dlopen("libSystem.B.dylib", {
    getsid: { parameters: ["i32"], result: "i32" },
  });
  const entries = new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [pid, foreground, state] = line.trim().split(/\s+/);
    return {
      pid: Number(pid),
      session: system.symbols.getsid(Number(pid)),
      foreground: Number(foreground),
      zombie: state?.startsWith("Z") ?? false,
    };
  });
  system.close();
  return entries;
}

const listNow = Deno.build.os === "linux" ? listProc : listPs;

let running: Promise<ProcessEntry[]> | undefined;
let queued: Promise<ProcessEntry[]> | undefined;

/** All processes; callers during a listing share the next one. */
function listProcesses(): Promise<ProcessEntry[]> {
  const start = () => {
    const list = listNow().finally(() => running = undefined);
    return running = list;
  };
  if (!running) return start();
  return queued ??= running.catch(() => {}).then(() => {
    queued = undefined;
    return start();
  });
}

/** Sends a signal to a process or, below 0, a group. Without such a process it is lost. */
export function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** One session: its leader and all that belongs to it. */
export class ProcessSession {
  readonly #leader: number;
  #leaderEnded = false;
  #isGone = false;
  readonly #gone = Promise.withResolvers<void>();
  /** Settles once it is known what the leader has left behind. */
  readonly #looked: Promise<unknown>;

  /**
   * @param leader whose pid is the session's number
   * @param exited settles when the leader has ended
   */
  constructor(leader: number, exited: Promise<unknown>) {
    this.#leader = leader;
    this.#looked = exited.then(() => {
      this.#leaderEnded = true;
      return this.#members();
    }).catch(() => {}); // end() will meet the same.
  }

  /** Resolves when it is known that nothing of it is left. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Sends a signal, by SSH's name for it, to the leader's process group while the leader runs. */
  signal(name: string): void {
    const signal = signalName(name);
    if (signal && !this.#leaderEnded) sendSignal(-this.#leader, signal);
  }

  /**
   * Sends a signal to the terminal's foreground process group; where that cannot be found it is
   * lost.
   */
  async signalForeground(signal: Deno.Signal): Promise<void> {
    const members = await this.#members().catch(() => []);
    const group = members.find(({ pid }) => pid === this.#leader)?.foreground ?? 0;
    if (group > 1) sendSignal(-group, signal);
  }

  /**
   * Ends all of it: SIGHUP, with SIGCONT for what is stopped, and after a grace SIGKILL. Resolves
   * when it is gone, or hangs in the kernel.
   */
  async end(): Promise<void> {
    let members = await this.#members();
    for (const { pid } of members) {
      sendSignal(pid, "SIGHUP");
      sendSignal(pid, "SIGCONT");
    }
    const start = performance.now();
    for (let pause = 5; members.length > 0; pause = Math.min(pause * 2, 100)) {
      const elapsed = performance.now() - start;
      if (elapsed > GRACE_MS + KILL_MS) return;
      if (elapsed > GRACE_MS) { for (const { pid } of members) sendSignal(pid, "SIGKILL"); }
      // The system tells of the end of its own children only.
      await delay(pause);
      members = await this.#members();
    }
    await this.#looked;
  }

  /**
   * The living processes. A number is not given out again while its session has members, so once
   * there are none, or another leader has it, it is not ours any more.
   */
  async #members(): Promise<ProcessEntry[]> {
    if (this.#isGone) return [];
    const leaderHasEnded = this.#leaderEnded;
    const members = (await listProcesses())
      .filter(({ session, zombie }) => session === this.#leader && !zombie);
    const isForeign = members.some(({ pid }) => pid === this.#leader);
    if (!leaderHasEnded || members.length > 0 && !isForeign) return members;
    this.#isGone = true;
    this.#gone.resolve();
    return [];
  }
}
