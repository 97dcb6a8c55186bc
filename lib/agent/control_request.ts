/**
 * What is said between an agent and `agent wait`, `stop`, `status` and `end`: one line of JSON there,
 * one back, on a connection of 127.0.0.1.
 *
 * @module
 */
import type { EndReason, LifetimeEnd, LifetimeStatus } from "./lifetime_keeper.ts";
import type { AnnouncementJson } from "./announcement.ts";
import type { RunningAgent } from "./control_record.ts";

/** What an agent can be asked. */
export type ControlCommand =
  /** Answered with an {@link AgentStatus}. */
  | { command: "status" }
  /** The job is over; answered with an {@link AgentStatus}. */
  | { command: "release" }
  /** Answered with an {@link AgentEnd} once the agent has ended. */
  | { command: "wait" }
  /** The same, and ends it. */
  | { command: "end"; reason: EndReason; status: number };

/** How an agent is doing. */
export interface AgentStatus extends LifetimeStatus {
  id: string;
  pid: number;
  /** How to log in; missing until it has registered. */
  announcement?: AnnouncementJson;
  /** The same for people. */
  text?: string;
}

/** How an agent has ended. */
export interface AgentEnd {
  id: string;
  ended: LifetimeEnd;
}

/** The longest line either way, in bytes. */
export const MAX_LINE_BYTES = 65_536;

/** How long an answer may take that does not wait for the agent's end, in milliseconds. */
const ANSWER_MS = 10_000;

/**
 * Reads up to the first newline.
 *
 * @throws {Error} if the connection ends before, or the line is too long
 */
export async function readLine(connection: Deno.Conn, limit = MAX_LINE_BYTES): Promise<string> {
  const buffer = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("the connection was closed without a word");
    const end = buffer.subarray(length, length + count).indexOf(0x0a);
    length += count;
    if (end >= 0) return new TextDecoder().decode(buffer.subarray(0, length - count + end));
  }
  throw new Error("the line is too long");
}

/** Writes one line of JSON. */
export async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  let bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
}

/**
 * Asks a running agent.
 *
 * @param signal gives up
 * @throws {Deno.errors.ConnectionRefused} if it does not run any more
 * @throws {Error} if it does not answer, or refuses
 */
export async function ask<T>(
  agent: RunningAgent,
  command: ControlCommand,
  signal?: AbortSignal,
): Promise<T> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: agent.port });
  const close = () => connection.close();
  const waits = command.command === "wait" || command.command === "end";
  const timer = waits ? undefined : setTimeout(close, ANSWER_MS);
  signal?.addEventListener("abort", close);
  try {
    if (signal?.aborted) close();
    await writeLine(connection, { token: agent.token, ...command });
    const answer = JSON.parse(await readLine(connection));
    if (typeof answer?.error === "string") throw new Error(answer.error);
    return answer as T;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", close);
  }
}
