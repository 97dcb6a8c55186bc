/**
 * The thread of one SFTP client at a time: it alone touches files, by synchronous calls, so that a slow
 * disk holds up nobody else. sftp_thread.ts is its near side.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { createFiles } from "../files/create_files.ts";
import { type FromThread, REPORT, type ToThread, WINDOW } from "../messages.ts";
import { PosixPaths, WindowsPaths } from "../files/paths.ts";
import { SftpSession } from "../session.ts";
import { SystemUsers } from "../files/users.ts";

function tell(message: FromThread): void {
  self.postMessage(message, message.type === "data" ? [message.bytes.buffer] : []);
}

/** Made once: finding the functions of a C library takes milliseconds. */
const files = createFiles();

/** A client's session and how much is on its way. */
class ServedClient {
  readonly #session: SftpSession;
  /** Bytes of replies that the client has not got yet. */
  #unsent = 0;
  /** Bytes of requests that have not been reported as taken. */
  #received = 0;
  #timer?: ReturnType<typeof setTimeout>;
  #hasEnded = false;
  isOver = false;

  constructor(cwd: string) {
    this.#session = new SftpSession({
      files,
      paths: Deno.build.os === "windows" ? new WindowsPaths(cwd) : new PosixPaths(cwd),
      users: new SystemUsers(),
      send: (bytes) => {
        this.#unsent += bytes.length;
        tell({ type: "data", bytes });
      },
    });
  }

  handle(message: ToThread): void {
    if (message.type === "abort") return this.#close();
    if (message.type === "data") {
      this.#received += message.bytes.length;
      this.#session.receive(message.bytes);
    } else if (message.type === "sent") {
      this.#unsent -= message.bytes;
    } else if (message.type === "end") {
      this.#hasEnded = true;
    }
    this.#run();
  }

  /** Does all that can be done now. */
  #run(): void {
    clearTimeout(this.#timer);
    try {
      while (this.#unsent < WINDOW) {
        if (!this.#session.step()) return this.#rest();
        if (this.#session.isWorking) {
          // Lets messages in: the client may have gone.
          this.#timer = setTimeout(() => this.#run(), 0);
          break;
        }
      }
      this.#session.flush();
    } catch (error) {
      this.#session.flush();
      this.#close((error as Error).message);
    }
  }

  /** All requests so far are done. */
  #rest(): void {
    this.#session.flush();
    if (this.#hasEnded) return this.#close();
    if (this.#received < REPORT) return;
    tell({ type: "taken", bytes: this.#received });
    this.#received = 0;
  }

  #close(error?: string): void {
    clearTimeout(this.#timer);
    this.#session[Symbol.dispose]();
    this.isOver = true;
    tell({ type: "ended", error });
  }
}

let client: ServedClient | undefined;

self.onmessage = ({ data: message }: MessageEvent<ToThread>) => {
  if (message.type === "start") client = new ServedClient(message.cwd);
  // What was sent before the other side knew of the end comes too late.
  else if (client && !client.isOver) client.handle(message);
};
