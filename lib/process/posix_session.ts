/**
 * The processes of a POSIX session (setsid(2)): all that a program has started, in whatever process
 * group, unless something went to a session of its own on purpose.
 *
 * @module
 */

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

async function listProc(): Promise<ProcessEntry[]> {
  const pids: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) if (/^\d+$/.test(name)) pids.push(name);
  const entries = await Promise.all(pids.map(async (pid) => {
    try {
      return parseStat(await Deno.readTextFile(`/proc/${pid}/stat`));
    } catch {
      return undefined; // It has ended meanwhile.
    }
  }));
  return entries.filter((entry) => entry !== undefined);
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

/** All processes; whoever asks while a list is being made shares the one made next. */
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

/** The living processes of a session. */
export async function sessionProcesses(session: number): Promise<ProcessEntry[]> {
  return (await listProcesses()).filter((entry) => entry.session === session && !entry.zombie);
}

/** Sends a signal; false if there is nobody to get it. */
export function sendSignal(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends all processes of a session: SIGHUP, with SIGCONT for those that are stopped, and after a grace
 * SIGKILL. Resolves when they are gone.
 *
 * @param leader whose pid is the session's number
 */
export async function endSession(leader: number): Promise<void> {
  let members = await sessionProcesses(leader);
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
    await new Promise((resolve) => setTimeout(resolve, pause));
    members = await sessionProcesses(leader);
  }
}
