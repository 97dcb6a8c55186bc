/**
 * `agent --detach`: the agent starts itself again in the background, with the same arguments, and
 * returns when that one has registered.
 *
 * The agent in the background has pipes of its own and nothing else that the job's step has open: a
 * CI system waits until those are closed. It writes its first announcement to stdout, then a NUL;
 * after that it writes to the log file only. On Windows, where a step's job object may end all that
 * the step has started, it is started outside of that and reports on a connection instead.
 *
 * @module
 */
import { errorMessage } from "../../text/error_message.ts";
import { type Home, ReportListener } from "./report_home.ts";
import { signalStatus, writeStdout } from "../../program/program.ts";

/** In the environment of the agent in the background. */
const DETACHED = "CONVERGE_DETACHED";

/** What the agent in the background prints after its first announcement. */
export const REGISTERED = "\0";

/** Where the agent in the background reports to; undefined where that is stdout. */
export function reportHome(): Home | undefined {
  const value = Deno.env.get(DETACHED);
  return value?.includes(" ") ? value as Home : undefined;
}

/** Whether this is the agent in the background. */
export function isDetached(): boolean {
  return Deno.env.get(DETACHED) !== undefined;
}

/** To be called by the agent in the background before it starts anything. */
export function forgetDetached(): void {
  Deno.env.delete(DETACHED);
}

/**
 * Starts the agent in the background.
 *
 * @param args the arguments of this agent
 * @returns 0 when it has registered, else the status it ended with, its reason on stderr
 */
export async function detach(args: string[], signal: AbortSignal): Promise<number> {
  const command = {
    file: Deno.execPath(),
    args: Deno.build.standalone ? args : ["run", "-A", Deno.mainModule, ...args],
  };
  if (Deno.build.os === "windows") {
    (await import("../../process/windows/stdio.ts")).keepStdio();
    if ((await import("../../process/windows/own_job.ts")).isBoundToJob()) {
      const status = await detachOutside(command, signal);
      if (status !== undefined) return status;
    }
  } else if (Deno.build.os === "linux") {
    (await import("../../process/linux/descriptors.ts")).keepDescriptors();
  }
  const child = new Deno.Command(command.file, {
    args: command.args,
    env: { [DETACHED]: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const cancel = () => child.kill("SIGTERM");
  signal.addEventListener("abort", cancel);
  const stderr = child.stderr.pipeTo(Deno.stderr.writable, { preventClose: true }).catch(() => {});
  if (await printAnnouncement(child.stdout)) return 0;
  await stderr;
  const { code } = await child.status;
  return signal.aborted ? signalStatus(signal) : code || 1;
}

/**
 * Starts the agent where the end of the job's step does not reach it.
 *
 * @returns undefined if that is impossible, which it says on stderr
 */
async function detachOutside(
  command: { file: string; args: string[] },
  signal: AbortSignal,
): Promise<number | undefined> {
  const { startOutside } = await import("../../process/windows/start_outside.ts");
  const { processEnded } = await import("../../process/windows/own_job.ts");
  using listener = new ReportListener();
  let pid: number;
  try {
    const env = { ...Deno.env.toObject(), [DETACHED]: listener.home };
    pid = await startOutside({ ...command, cwd: Deno.cwd(), env });
  } catch (error) {
    console.error(`agent: the agent may end with this step: ${errorMessage(error)}`);
    return undefined;
  }
  signal.addEventListener("abort", () => Deno.kill(pid, "SIGKILL"));
  const ended = processEnded(pid);
  const connection = await Promise.race([listener.report(), ended]);
  if (connection && await printAnnouncement(connection.readable)) return 0;
  await ended;
  return signal.aborted ? signalStatus(signal) : 1;
}

/** Prints its output up to the end of its announcement; false if that does not come. */
async function printAnnouncement(stdout: ReadableStream<Uint8Array>): Promise<boolean> {
  const decoder = new TextDecoder();
  for await (const chunk of stdout) {
    const text = decoder.decode(chunk, { stream: true });
    const end = text.indexOf(REGISTERED);
    writeStdout(end < 0 ? text : text.slice(0, end));
    if (end >= 0) return true;
  }
  return false;
}
