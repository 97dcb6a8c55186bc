import type { FromThread, ToThread } from "../messages.ts";
import { threadUrl } from "./thread_url.ts";

/** Who listens to a thread. */
export interface ThreadListener {
  message(message: FromThread): void;
  /** The thread has ended, which it never should. */
  failed(error: Error): void;
}

/** The near side of thread.ts. */
export class SftpThread implements Disposable {
  readonly #worker = new Worker(threadUrl, { type: "module" });
  /** Whoever uses the thread at the moment. */
  listener?: ThreadListener;
  isAlive = true;

  constructor() {
    this.#worker.onmessage = ({ data }) => this.listener?.message(data);
    this.#worker.onerror = (event) => {
      // Otherwise the whole program would end.
      event.preventDefault();
      this.#end(`the SFTP thread has failed: ${event.message}`);
    };
  }

  /** Sends a message; the buffer of its bytes is handed over. */
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
