import { overlayStyle, TerminalOverlay } from "./terminal_overlay.ts";
import type { Channel } from "../connection/handler.ts";

/** A terminal on a channel: the program's output, and messages of the agent in between. */
export class Screen {
  readonly #channel: Channel;
  readonly #overlay: TerminalOverlay;
  /** Output that is being sent; a message must not get into the middle of it. */
  #writing?: Promise<void>;
  /** Messages that wait for that. */
  #waiting: Uint8Array[] = [];
  #finished = false;

  constructor(channel: Channel, terminal: { term: string; columns: number }) {
    this.#channel = channel;
    const style = overlayStyle(terminal.term, Deno.build.os);
    this.#overlay = new TerminalOverlay({ style, columns: terminal.columns });
  }

  set columns(columns: number) {
    this.#overlay.columns = columns;
  }

  /** Sends the program's output, unless `finish()` was called. One call at a time. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#finished) return;
    this.#writing = this.#channel.write(this.#overlay.pass(bytes));
    try {
      await this.#writing;
      while (this.#waiting.length > 0) await this.#channel.write(this.#waiting.shift()!);
    } finally {
      this.#writing = undefined;
    }
  }

  /** Shows a message; never throws. */
  show(text: string | Uint8Array): void {
    this.#say(typeof text === "string" ? this.#overlay.show(text) : text);
  }

  /** Resets the terminal and shows the last message: no output follows. */
  finish(text: string): void {
    this.#say(this.#overlay.finish(text));
    this.#finished = true;
  }

  #say(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#finished) return;
    if (this.#writing) this.#waiting.push(bytes);
    else this.#channel.write(bytes).catch(() => {}); // The client has disconnected.
  }
}
