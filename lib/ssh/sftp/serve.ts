import type { ByteStream } from "../../wire/byte_stream.ts";
import { Refused } from "../connection/handler.ts";
import { MalformedError } from "../protocol/wire_format.ts";
import { REPORT, type ToThread, WINDOW } from "./messages.ts";
import { SftpThread } from "./thread/sftp_thread.ts";

/** How many threads without a client are kept for the next ones. */
const MAX_IDLE = 4;

/** How many clients may be there at a time: the thread of each takes 13 MB. */
const MAX_CLIENTS = 64;

/** What SFTP needs of a channel; its owner closes it. */
export type SftpChannel = Pick<ByteStream, "read" | "write" | "closed">;

export interface SftpOptions {
  /** Where relative paths start from: an absolute path of the system's. */
  cwd: string;
}

/**
 * The SFTP subsystem: version 3 with OpenSSH's extensions, see docs/sftp.md.
 *
 * Each client has a thread of its own while it is there, so whatever its requests wait for, nobody else
 * does. Threads are used again: starting one takes a while, and an older Deno never frees all of it.
 *
 * @example
 * ```ts
 * using sftp = new SftpServer();
 * const subsystems = { sftp: (channel, { cwd }) => sftp.serve(channel, { cwd }) };
 * ```
 */
export class SftpServer implements Disposable {
  readonly #threads = new Set<SftpThread>();
  readonly #idle: SftpThread[] = [];
  readonly #maxClients: number;

  /** @param options `maxClients` says how many may be there at a time; 64 unless given */
  constructor({ maxClients = MAX_CLIENTS } = {}) {
    this.#maxClients = maxClients;
  }

  /**
   * Serves one client until it has ended its direction and all it asked for is done, or it has gone.
   * Nothing it had open is open then.
   *
   * @throws {Refused} if too many are there already
   * @throws {MalformedError} if the client breaks the protocol
   * @throws {Error} if the server ends
   */
  async serve(channel: SftpChannel, options: SftpOptions): Promise<void> {
    if (this.#threads.size - this.#idle.length >= this.#maxClients) {
      throw new Refused(`the agent has ${this.#maxClients} SFTP clients already`);
    }
    const thread = this.#idle.pop() ?? new SftpThread();
    this.#threads.add(thread);
    try {
      await serveClient(thread, channel, options);
    } finally {
      thread.listener = undefined;
      if (thread.isAlive && this.#idle.length < MAX_IDLE) {
        this.#idle.push(thread);
      } else {
        this.#threads.delete(thread);
        thread[Symbol.dispose]();
      }
    }
  }

  /** Ends all threads; clients that are still there are dropped. */
  [Symbol.dispose](): void {
    for (const thread of this.#threads) thread[Symbol.dispose]();
    this.#threads.clear();
    this.#idle.length = 0;
  }
}

async function serveClient(
  thread: SftpThread,
  channel: SftpChannel,
  { cwd }: SftpOptions,
): Promise<void> {
  let isOver = false;
  const tell = (message: ToThread) => {
    if (!isOver) thread.tell(message);
  };
  const abort = () => tell({ type: "abort" });

  /** Bytes of requests that the thread is not done with. */
  let untaken = 0;
  let wake = () => {};
  let replies = Promise.resolve();
  /** Bytes of replies that have gone to the client without the thread knowing. */
  let sent = 0;
  const reportSent = (bytes: number) => {
    sent += bytes;
    if (sent < REPORT) return;
    tell({ type: "sent", bytes: sent });
    sent = 0;
  };
  const ended = new Promise<string | undefined>((resolve, reject) => {
    thread.listener = {
      failed: reject,
      message: (message) => {
        if (message.type === "ended") {
          resolve(message.error);
        } else if (message.type === "taken") {
          untaken -= message.bytes;
          wake();
        } else {
          const { bytes } = message;
          replies = replies.then(() => channel.write(bytes))
            .then(() => reportSent(bytes.length), abort);
        }
      },
    };
  });

  const passRequests = async () => {
    for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read()) {
      if (isOver) return;
      untaken += bytes.length;
      // A copy: the buffer may be one that others use too.
      tell({ type: "data", bytes: new Uint8Array(bytes) });
      while (untaken > WINDOW) await new Promise<void>((resolve) => wake = resolve);
    }
    tell({ type: "end" });
  };

  tell({ type: "start", cwd });
  passRequests().catch(abort);
  channel.closed.then(abort);
  try {
    const error = await ended;
    if (error !== undefined) throw new MalformedError(`not SFTP: ${error}`);
  } finally {
    isOver = true;
    await replies;
  }
}
