import { encodeBytes } from "../../text/byte_text.ts";
import type { ByteSource, ExitStatus, Process } from "../../process/process.ts";
import { type Channel, Refused, type SshConnection } from "../connection/handler.ts";
import type { Screen } from "./screen.ts";
import { Writer } from "../protocol/wire_format.ts";

/** The exit status of a program that cannot be started, as in shells. */
const CANNOT_START = 127;

/** How a program on a channel has ended. */
export interface ChannelRun {
  /** Missing: the client closed the channel first. */
  status?: ExitStatus;
  /** Whether the client has sent input. */
  hadInput: boolean;
}

/** Whether a shell could not be used: it ended, not successfully, before there was any input. */
export function hasFailed({ status, hadInput }: ChannelRun): boolean {
  if (status === undefined || hadInput) return false;
  return "signal" in status || status.code !== 0;
}

/**
 * Connects a program to its channel until it has exited and all its output is sent, then sends the
 * exit status. When the client closes the channel, or the connection ends, the program is ended
 * with everything it started. What it leaves behind when it exits lives as long as the connection.
 *
 * @param screen takes the output instead of the channel
 */
export async function runOnChannel(
  program: Process,
  channel: Channel,
  connection: SshConnection,
  screen?: Screen,
): Promise<ChannelRun> {
  const copies = [copy(program.stdout, (bytes) => (screen ?? channel).write(bytes))];
  if (program.stderr) copies.push(copy(program.stderr, (bytes) => channel.writeStderr(bytes)));
  let hadInput = false;
  copyInput(program, channel, () => hadInput = true)
    .catch(() => {}); // The program reads no more.
  const finished = Promise.all([program.exited, ...copies]).then(([status]) => status);
  // A program that left nothing behind is forgotten: a connection may run thousands.
  connection.track(endWith(connection.signal, program, finished.then(() => program.gone)));
  const status = await Promise.race([finished, channel.closed.then(() => undefined)]);
  if (!status) {
    await program.end();
    return { hadInput };
  }
  sendExit(channel, status);
  await channel.end();
  channel.close();
  return { status, hadInput };
}

async function copy(from: ByteSource, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for (let bytes = await from.read(); bytes !== null; bytes = await from.read()) {
    try {
      await write(bytes);
    } catch {
      return; // The channel is closed, and the program is about to be ended.
    }
  }
}

async function copyInput(
  program: Process,
  channel: Channel,
  onInput: () => void,
): Promise<void> {
  for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read()) {
    onInput();
    await program.write(bytes);
  }
  await program.endInput();
}

/** Sends how a session's program ended (RFC 4254, section 6.10). */
export function sendExit(channel: Channel, status: ExitStatus): void {
  if ("code" in status) {
    return channel.request("exit-status", new Writer().uint32(status.code >>> 0).bytes());
  }
  channel.request(
    "exit-signal",
    new Writer().string(status.signal).boolean(status.coreDumped).string("").string("").bytes(),
  );
}

/**
 * Tells the client's user why a started subsystem does nothing.
 *
 * @returns the subsystem's exit status
 * @throws `error` unless it is {@link Refused}
 */
export async function explain(channel: Channel, error: unknown): Promise<number> {
  if (!(error instanceof Refused)) throw error;
  await channel.writeStderr(new TextEncoder().encode(`${error.message}\n`));
  return 1;
}

/**
 * Tells the client's user why no program runs, and ends the session with the status that shells
 * have for that.
 */
export async function explainFailure(channel: Channel, reason: string): Promise<void> {
  await channel.writeStderr(encodeBytes(`Converge: ${reason}\r\n`));
  sendExit(channel, { code: CANNOT_START });
}

/** Ends a program when `signal` is aborted, unless it is over before. */
async function endWith(
  signal: AbortSignal,
  program: Process,
  over: Promise<void>,
): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const abort = () => resolve();
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  await Promise.race([aborted, over]);
  signal.removeEventListener("abort", abort);
  if (signal.aborted) await program.end();
}
