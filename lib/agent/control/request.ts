/**
 * The protocol between an agent and `agent wait`, `stop`, `status` and `end`: a request and an
 * answer, each a line of JSON, on a connection of 127.0.0.1. `agent wait` gets the agent's log
 * before that.
 *
 * @module
 */
import type { EndReason, LifetimeEnd, LifetimeStatus } from "../lifetime/keeper.ts";
import type { AnnouncementJson } from "../announce/announcement.ts";
import { Deadline } from "../../wire/deadline.ts";
import { writeAll } from "../../wire/raw_connection.ts";
import type { RunningAgent } from "./record.ts";

/** What an agent can be asked. */
export type ControlCommand =
  /** Answered with an {@link AgentStatus}. */
  | { command: "status" }
  /** The job is over; answered with an {@link AgentStatus}. */
  | { command: "release" }
  /** Answered with {@link LogLine}s, and an {@link AgentEnd} once the agent has ended. */
  | { command: "wait" }
  /** Ends it; answered with an {@link AgentEnd} once it has ended. */
  | { command: "end"; reason: EndReason; status: number; by?: string };

/** How an agent is doing. */
export interface AgentStatus extends LifetimeStatus {
  id: string;
  pid: number;
  /** How to log in; missing until it has registered. */
  announcement?: AnnouncementJson;
  /** The same for people. */
  text?: string;
  /** The commands that are not in the text, for POSIX systems and for Windows. */
  commands?: string;
  windowsCommands?: string;
}

/** How an agent has ended. */
export interface AgentEnd {
  id: string;
  ended: LifetimeEnd;
}

/** What the agent has written to its log file, newlines included. */
export interface LogLine {
  log: string;
}

/** The longest line either way, in bytes. */
export const MAX_LINE_BYTES = 65_536;

/** How long an answer may take, unless it waits for the agent's end, in milliseconds. */
const ANSWER_MS = 10_000;

/**
 * Reads line by line.
 *
 * @throws {Error} if the connection ends, or a line is too long
 */
export async function* readLines(
  connection: Deno.Conn,
  limit = MAX_LINE_BYTES,
): AsyncGenerator<string, never> {
  const buffer = new Uint8Array(limit);
  const decoder = new TextDecoder();
  let length = 0;
  while (length < limit) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("the agent closed the connection");
    length += count;
    let start = 0;
    for (let end; (end = buffer.subarray(0, length).indexOf(0x0a, start)) >= 0; start = end + 1) {
      yield decoder.decode(buffer.subarray(start, end));
    }
    buffer.copyWithin(0, start, length);
    length -= start;
  }
  throw new Error("the line is too long");
}

/** Writes lines of JSON, one after the other. */
export class LineWriter {
  readonly #connection: Deno.Conn;
  #written: Promise<void> = Promise.resolve();
  /** How many lines are not written yet. */
  pending = 0;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Resolves when the line, and all before it, are written; rejects if one of them cannot be. */
  async write(value: unknown): Promise<void> {
    this.pending++;
    const line = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
    this.#written = this.#written.then(() => writeAll(this.#connection, line));
    await this.#written.finally(() => this.pending--);
  }
}

/**
 * Asks a running agent.
 *
 * @param options.signal gives up
 * @param options.onLog gets what the agent writes to its log file meanwhile
 * @throws {Deno.errors.ConnectionRefused} if it does not run any more
 * @throws {Error} if it does not answer, or refuses
 */
export async function ask<T>(
  agent: RunningAgent,
  command: ControlCommand,
  { signal, onLog }: { signal?: AbortSignal; onLog?: (text: string) => void } = {},
): Promise<T> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: agent.port });
  // Unlike close(), this may be called several times.
  const close = () => connection[Symbol.dispose]();
  const waits = command.command === "wait" || command.command === "end";
  using deadline = waits ? undefined : new Deadline(ANSWER_MS);
  deadline?.signal.addEventListener("abort", close);
  signal?.addEventListener("abort", close);
  try {
    if (signal?.aborted) close();
    await new LineWriter(connection).write({ token: agent.token, ...command });
    const lines = readLines(connection);
    for (;;) {
      const answer = JSON.parse((await lines.next()).value);
      if (typeof answer?.error === "string") throw new Error(answer.error);
      if (typeof answer?.log !== "string") return answer as T;
      onLog?.(answer.log);
    }
  } catch (error) {
    throw deadline?.passed ? deadline.signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", close);
  }
}
