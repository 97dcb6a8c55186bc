/**
 * The thread of one SFTP client at a time. It makes all calls of the file system, synchronously, so
 * that a slow disk delays nobody else. sftp_thread.ts runs it.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { createFiles } from "../files/create_files.ts";
import { type FromThread, REPORT, type ToThread, WINDOW } from "./messages.ts";
import { PosixPaths, WindowsPaths } from "../files/paths.ts";
import { SftpSession } from "../session.ts";
import { SystemUsers } from "../files/users.ts";

function tell(message: FromThread): void {
  self.postMessage(message, message.type === "data" ? [message.bytes.buffer] : []);
}

/** Created once: finding the functions of a C library takes milliseconds. */
const files = createFiles();

/** A client's session and its flow control. */
class ServedClient {
  readonly #session: SftpSession;
  /** Bytes of replies that have not been sent to the client yet. */
  #unsent = 0;
  /** Bytes of requests that have not been reported as processed. */
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

  /** Handles requests as far as the window allows. */
  #run(): void {
    clearTimeout(this.#timer);
    try {
      while (this.#unsent < WINDOW) {
        if (!this.#session.step()) return this.#rest();
        if (this.#session.isWorking) {
          // Reads messages in between: the client may have disconnected.
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

  /** All requests so far are answered. */
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
  // Messages sent before the main thread knew of the end are ignored.
  else if (client && !client.isOver) client.handle(message);
};
