/** Where the agent takes requests of `agent wait`, `stop`, `status` and `end`. */
import type { Log } from "../../log/log.ts";
import { accepted } from "../../wire/accept.ts";
import { oneLine } from "../../wire/http_response.ts";
import { sameSecret } from "../../wire/same_secret.ts";
import {
  type AgentEnd,
  type AgentStatus,
  ask,
  type ControlCommand,
  LineWriter,
  type LogLine,
  MAX_LINE_BYTES,
  readLines,
} from "./request.ts";
import { readRecords, recordPath, removeRecord, type RunningAgent, writeRecord } from "./record.ts";
import type { EndReason } from "../lifetime/keeper.ts";

/** How long a request may take to arrive, in milliseconds, and its longest length, in bytes. */
const REQUEST_MS = 5_000;
const MAX_REQUEST_BYTES = 1_024;

/** The most connections at a time. */
const MAX_CONNECTIONS = 64;

/** The most log entries on their way to one `agent wait`; one that does not read misses some. */
const MAX_PENDING = 1_000;
/** The longest name of who ended the agent, in characters. */
const MAX_NAME = 100;
/** The longest entry, in characters: as JSON it has to fit into a line. */
const MAX_ENTRY = MAX_LINE_BYTES / 8;

export interface LocalControlOptions {
  /** The agent's directory. */
  dir: string;
  log: Log;
  status: () => Promise<AgentStatus>;
  /** Calls the listener with what goes to the log file, until the result is called. */
  follow: (listener: (text: string) => void) => () => void;
  /** The job is over. */
  release: () => void;
  /** The agent is to end. */
  end: (reason: EndReason, status: number, by?: string) => void;
}

/**
 * Listens on a free port of 127.0.0.1. The port is in the agent's record, with a token, which only
 * the agent's own user can read. A request without the token gets no answer.
 */
export class LocalControl {
  readonly #options: LocalControlOptions;
  readonly #listener: Deno.TcpListener;
  readonly #record: RunningAgent;
  readonly #connections = new Map<Deno.Conn, Promise<void>>();
  readonly #ended = Promise.withResolvers<AgentEnd>();
  readonly #listening: Promise<void>;

  private constructor(options: LocalControlOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const token = crypto.getRandomValues(new Uint8Array(32)).toHex();
    this.#record = { pid: Deno.pid, port: this.#listener.addr.port, token };
    this.#listening = this.#listen();
  }

  /**
   * Starts to listen. Removes records of agents that do not run any more.
   *
   * @throws {Error} if the record cannot be written
   */
  static async start(options: LocalControlOptions): Promise<LocalControl> {
    await removeOldRecords(options.dir);
    const control = new LocalControl(options);
    try {
      await writeRecord(options.dir, control.#record);
    } catch (error) {
      await control.#close();
      throw error;
    }
    return control;
  }

  /**
   * Tells those who wait how the agent ended, and stops listening.
   *
   * @param keepRecord leaves it in the record too, for an `agent wait` that is yet to come
   */
  async finish(end: AgentEnd, keepRecord: boolean): Promise<void> {
    const { dir, log } = this.#options;
    const { pid } = this.#record;
    try {
      // Before the answers: a command that comes too late for one has to find the record.
      await (keepRecord ? writeRecord(dir, { pid, ...end }) : removeRecord(recordPath(dir, pid)));
    } catch (error) {
      log.warn("cannot record the end", { reason: error });
    }
    this.#ended.resolve(end);
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#listener.close();
    await this.#listening;
    await Promise.all(this.#connections.values());
  }

  async #listen(): Promise<void> {
    const { log } = this.#options;
    const onError = (error: unknown) =>
      log.warn("cannot accept a local request", { reason: error });
    for await (const connection of accepted(this.#listener, { onError })) {
      if (this.#connections.size >= MAX_CONNECTIONS) {
        connection.close();
        continue;
      }
      const work = this.#serve(connection)
        .catch((error) => log.debug("a local request failed", { reason: error }))
        .finally(() => this.#connections.delete(connection));
      this.#connections.set(connection, work);
    }
  }

  /** Serves one request; rejects if it is not valid. */
  async #serve(connection: Deno.Conn): Promise<void> {
    using closing = new Closing(connection);
    closing.in(REQUEST_MS);
    const request = JSON.parse((await readLines(connection, MAX_REQUEST_BYTES).next()).value);
    const { token } = Object(request);
    const isOurs = typeof token === "string" && sameSecret(token, this.#record.token);
    if (!isOurs) throw new Error("the token is missing or wrong");
    closing.never();
    const lines = new LineWriter(connection);
    const answer = await this.#answer(request, connection, lines);
    closing.in(REQUEST_MS);
    await lines.write(answer);
  }

  async #answer(
    request: ControlCommand,
    connection: Deno.Conn,
    lines: LineWriter,
  ): Promise<unknown> {
    const { status, release, end } = this.#options;
    switch (request.command) {
      case "release":
        release();
        return await status();
      case "status":
        return await status();
      case "end":
        if (!isExitStatus(request.status)) return { error: "the exit status is not from 0 to 255" };
        end(
          request.reason === "cancelled" ? "cancelled" : "stopped",
          request.status,
          typeof request.by === "string" ? oneLine(request.by, MAX_NAME) : undefined,
        );
        return await this.#end(connection);
      case "wait":
        return await this.#tellLog(lines, this.#end(connection));
      default:
        return { error: "the agent has another version and does not know this command" };
    }
  }

  /** Sends what goes to the log file until `end` settles. */
  async #tellLog(lines: LineWriter, end: Promise<AgentEnd>): Promise<AgentEnd> {
    const stop = this.#options.follow((log) => {
      // A closed connection is noticed by the wait for the end.
      if (lines.pending >= MAX_PENDING) return;
      lines.write({ log: log.slice(0, MAX_ENTRY) } satisfies LogLine).catch(() => {});
    });
    return await end.finally(stop);
  }

  /** Waits for the agent's end; rejects when the other side closes first. */
  async #end(connection: Deno.Conn): Promise<AgentEnd> {
    const hangUp = connection.read(new Uint8Array(1)).then(() => {
      throw new Error("the other side closed the connection");
    });
    return await Promise.race([this.#ended.promise, hangUp]);
  }
}

/** Closes a connection at the end of its scope, or after some time. */
class Closing implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(readonly connection: Deno.Conn) {}

  in(milliseconds: number): void {
    this.#timer = setTimeout(() => this[Symbol.dispose](), milliseconds);
  }

  never(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.never();
    if (!this.#closed) this.connection.close();
    this.#closed = true;
  }
}

function isExitStatus(status: unknown): boolean {
  return Number.isInteger(status) && Number(status) >= 0 && Number(status) <= 255;
}

/** Removes records of agents that have ended or were killed. */
async function removeOldRecords(dir: string): Promise<void> {
  await Promise.all((await readRecords(dir)).map(async ([path, record]) => {
    if (!("port" in record) || !await isAlive(record)) await removeRecord(path);
  }));
}

/** Only an agent whose port is closed does certainly not run any more. */
async function isAlive(agent: RunningAgent): Promise<boolean> {
  try {
    await ask(agent, { command: "status" });
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused);
  }
  return true;
}
