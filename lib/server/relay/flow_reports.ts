import type { FlowMessage } from "../../protocol/messages.ts";

/** What may be taken without a report, in bytes: interactive sessions need few. */
export const UNREPORTED = 16 * 1024;

/**
 * Between two looks at what the client has taken, in milliseconds: they get rarer while it takes
 * nothing.
 */
const FIRST_LOOK_MS = 1;
const LAST_LOOK_MS = 200;

export interface FlowReportsOptions {
  /** What of that which was sent waits for the client, counted in the same way. */
  waiting: () => number;
  /** What is taken in all before there is a report. @default UNREPORTED */
  least?: number;
  send: (report: FlowMessage) => void;
}

/**
 * Tells an agent how far its client is, so that it sends no faster than the client takes.
 *
 * A native websocket does not say when its peer takes something, so it is looked at from time to
 * time, while a report may be due and no longer: idle pairs cost nothing.
 */
export class FlowReports implements Disposable {
  readonly #options: FlowReportsOptions;
  readonly #least: number;
  #sent = 0;
  #reported = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(options: FlowReportsOptions) {
    this.#options = options;
    this.#least = options.least ?? UNREPORTED;
  }

  /** Something was sent to the client, a message that counts so much in reports. */
  sent(count: number): void {
    this.#sent += count;
    if (this.#timer === undefined) this.#lookIn(FIRST_LOOK_MS);
  }

  #lookIn(milliseconds: number): void {
    if (this.#sent - this.#reported < this.#least || this.#ended) return;
    this.#timer = setTimeout(() => this.#look(milliseconds), milliseconds);
  }

  #look(waited: number): void {
    this.#timer = undefined;
    const taken = this.#sent - this.#options.waiting();
    // A quarter of what the agent believes to be on its way: more reports would only cost.
    const due = Math.max(this.#least, (this.#sent - this.#reported) / 4);
    const isDue = taken - this.#reported >= due;
    if (isDue) {
      this.#reported = taken;
      this.#options.send({ type: "flow", taken });
    }
    this.#lookIn(isDue ? FIRST_LOOK_MS : Math.min(2 * waited, LAST_LOOK_MS));
  }

  /** No reports from here on. */
  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
