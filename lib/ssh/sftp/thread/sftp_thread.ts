import type { FromThread, ToThread } from "./messages.ts";
import { threadUrl } from "./thread_url.ts";

/** Takes what a thread sends. */
export interface ThreadListener {
  message(message: FromThread): void;
  /** The thread has ended, which it should not. */
  failed(error: Error): void;
}

/** Runs thread.ts, for the main thread. */
export class SftpThread implements Disposable {
  readonly #worker = new Worker(threadUrl, { type: "module" });
  /** Of the client that the thread serves. */
  listener?: ThreadListener;
  isAlive = true;

  constructor() {
    this.#worker.onmessage = ({ data }) => this.listener?.message(data);
    this.#worker.onerror = (event) => {
      // Otherwise the whole program ends.
      event.preventDefault();
      this.#end(`the SFTP thread failed: ${event.message}`);
    };
  }

  /** Sends a message and transfers the buffer of its bytes. */
  tell(message: ToThread): void {
    this.#worker.postMessage(message, message.type === "data" ? [message.bytes.buffer] : []);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#end("the SFTP server has ended");
  }

  #end(reason: string): void {
    this.isAlive = false;
    this.listener?.failed(new Error(reason));
  }
}
