/** When a node renews what it holds, see {@link Pulse}. */
import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error_message.ts";
import type { Heartbeat } from "./heartbeat.ts";

export interface PulseOptions {
  heartbeat: Heartbeat;
  /** The address of this node. */
  nodeUrl: string;
  /** Whether the directory can be asked. */
  connected(): boolean;
  log: Log;
}

/** Runs the heartbeat, once at a time, and knows what it learns. */
export class Pulse {
  readonly #options: PulseOptions;
  #beating: Promise<void> | undefined;
  /** Whether another beat is to follow: the directory has come back. */
  #due = false;
  /** When the last beat came, by the steady clock. */
  #beatAt = 0;
  #ended = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Whether another server has this one's address. */
  get replaced(): boolean {
    return this.#options.heartbeat.last?.replaced ?? false;
  }

  /** The nodes that have been there lately, this one included. */
  get nodes(): string[] {
    return this.#options.heartbeat.last?.nodes ?? [];
  }

  /** The time that all nodes agree on: Redis's, as of the last beat. */
  now(): number {
    const { last } = this.#options.heartbeat;
    return last === undefined ? Date.now() : last.now + performance.now() - this.#beatAt;
  }

  /** Beats now, or again once the beat that is under way has ended. */
  beat(): void {
    if (this.#ended) return;
    this.#due = true;
    this.#beating ??= this.#runBeats().finally(() => this.#beating = undefined);
  }

  /** Beats no more. @returns when the last beat has ended */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#beating;
  }

  async #runBeats(): Promise<void> {
    while (this.#due && this.#options.connected() && !this.#ended) {
      this.#due = false;
      await this.#runBeat();
    }
  }

  async #runBeat(): Promise<void> {
    const { heartbeat, log, nodeUrl } = this.#options;
    const before = heartbeat.last;
    try {
      await heartbeat.run();
    } catch (error) {
      log.warn("leases not renewed", { reason: errorMessage(error) });
    }
    const { last } = heartbeat;
    if (last === before || last === undefined) return;
    this.#beatAt = performance.now();
    if (last.replaced && !before?.replaced) {
      log.error("another server uses this --node-url", { node: nodeUrl });
    }
  }
}
