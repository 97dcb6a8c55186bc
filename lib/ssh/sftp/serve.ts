import type { ByteStream } from "../../wire/byte_stream.ts";
import { Refused } from "../connection/handler.ts";
import { MalformedError } from "../protocol/wire_format.ts";
import { REPORT, type ToThread, WINDOW } from "./thread/messages.ts";
import { SftpThread } from "./thread/sftp_thread.ts";

/** How many threads without a client are kept for the next ones. */
const MAX_IDLE = 4;

/** How many clients are served at a time: the thread of each takes 13 MB. */
const MAX_CLIENTS = 64;

/** What SFTP needs of a channel; the caller closes it. */
export type SftpChannel = Pick<ByteStream, "read" | "write" | "closed">;

export interface SftpOptions {
  /** Where relative paths start: an absolute path of the system. */
  cwd: string;
}

/**
 * The SFTP subsystem: version 3 with OpenSSH's extensions, see docs/sftp.md.
 *
 * Each client has a thread of its own, so that nobody else waits for its disk. Threads are reused:
 * starting one takes time, and an older Deno never frees all of it.
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

  /** @param options `maxClients` is how many are served at a time [64] */
  constructor({ maxClients = MAX_CLIENTS } = {}) {
    this.#maxClients = maxClients;
  }

  /**
   * Serves one client until it has sent end of file and all its requests are answered, or it has
   * disconnected. All its files are closed then.
   *
   * @throws {Refused} if too many clients are served already
   * @throws {MalformedError} if the client breaks the protocol
   * @throws {Error} if the server ends
   */
  async serve(channel: SftpChannel, options: SftpOptions): Promise<void> {
    if (this.#threads.size - this.#idle.length >= this.#maxClients) {
      throw new Refused(`the agent already has ${this.#maxClients} SFTP clients`);
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

  /** Ends all threads and drops their clients. */
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

  /** Bytes of requests that the thread has not processed. */
  let untaken = 0;
  let wake = () => {};
  let replies = Promise.resolve();
  /** Bytes of replies that were sent to the client and not yet reported to the thread. */
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
      // A copy: the buffer is transferred, and others may use it.
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
