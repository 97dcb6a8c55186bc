import type { StreamLink } from "../../lib/wire/resume/stream_link.ts";

/** A connection whose other end is the test. */
export class TestLink implements StreamLink {
  readonly sent: (string | Uint8Array)[] = [];
  closed?: number;
  readonly #closing = Promise.withResolvers<void>();
  #queue: (string | Uint8Array | null | Error)[] = [];
  #wake = () => {};

  send(message: string | Uint8Array): Promise<void> {
    this.sent.push(typeof message === "string" ? message : message.slice());
    return Promise.resolve();
  }

  async receive(): Promise<string | Uint8Array | null> {
    while (this.#queue.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const message = this.#queue.shift()!;
    if (message instanceof Error) throw message;
    return message;
  }

  close(code = 1000): void {
    this.closed ??= code;
    this.#closing.resolve();
    this.#queue.push(null);
    this.#wake();
  }

  /** Resolves when the program has closed it. */
  get closing(): Promise<void> {
    return this.#closing.promise;
  }

  /** Something comes from the peer. */
  async get(...messages: (string | Uint8Array | null | Error)[]): Promise<void> {
    this.#queue.push(...messages);
    this.#wake();
    await turns();
  }

  /** The texts that were sent, frames parsed. */
  get texts(): unknown[] {
    return this.sent.filter((message) => typeof message === "string")
      .map((text) => text.startsWith("{") ? JSON.parse(text) : text);
  }

  /** How many bytes were sent. */
  get length(): number {
    return this.sent.reduce((sum, { length }, at) => {
      return typeof this.sent[at] === "string" ? sum : sum + length;
    }, 0);
  }
}

/** Lets everything happen that waits for nothing. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
