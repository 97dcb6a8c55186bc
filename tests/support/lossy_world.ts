/** A network without one: time that passes only here, and connections that break as it likes. */
import { setImmediate } from "node:timers/promises";
import type { StreamClock } from "../../lib/wire/resume/stream_clock.ts";
import type { StreamLink } from "../../lib/wire/resume/stream_link.ts";

/** Random numbers from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to but not including 1. */
  next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  /** From 0 up to but not including `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

/** Time that passes when everything waits for it. */
export class World implements StreamClock {
  #now = 0;
  #order = 0;
  readonly #timers: { at: number; order: number; action: () => void }[] = [];

  now = (): number => this.#now;

  after = (delay: number, action: () => void): () => void => {
    const timer = { at: this.#now + delay, order: this.#order++, action };
    this.#timers.push(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  };

  delay(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.after(milliseconds, resolve));
  }

  /**
   * Lets time pass until `done`.
   *
   * @param onTurn called whenever everything waits
   * @returns false if nothing more can happen before that
   */
  async run(done: () => boolean, onTurn: () => void = () => {}): Promise<boolean> {
    for (;;) {
      await setImmediate();
      onTurn();
      if (done()) return true;
      let next = this.#timers[0];
      if (!next) return false;
      for (const timer of this.#timers) {
        if (timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
      }
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
  }
}

/** What a connection does to its messages. */
export interface Weather {
  /** Whether messages are handed over as they come. */
  pushes: boolean;
  /** How long a message takes, in milliseconds. */
  latency: () => number;
  /** How long a sender waits for the next one, in milliseconds. */
  pause: () => number;
  /** After how many messages, both ways together, the connection breaks. */
  breaksAfter: number;
  /** How much later each end learns of that, in milliseconds. */
  silence: () => number;
}

type Message = string | Uint8Array;

/** One end of a connection. */
class End implements StreamLink {
  peer!: End;
  readonly deliverTo?: StreamLink["deliverTo"];
  #sink?: (message: Message) => void;
  readonly #line: Line;
  readonly #queue: Message[] = [];
  #over?: { error?: Error };
  #wake = () => {};
  /** When the last message that was sent arrives: none overtakes another. */
  #arrival = 0;

  constructor(line: Line) {
    this.#line = line;
    if (!line.weather.pushes) return;
    this.deliverTo = (sink) => {
      for (const message of this.#queue.splice(0)) sink(message);
      this.#sink = sink;
    };
  }

  async send(message: Message): Promise<void> {
    const before = this.#over;
    if (before) throw before.error ?? new Error("the connection is closed");
    const taken = typeof message === "string" ? message : message.slice();
    this.#deliver(() => this.peer.take(taken));
    await this.#line.world.delay(this.#line.weather.pause());
    if (this.#over?.error) throw this.#over.error;
  }

  async receive(): Promise<Message | null> {
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) return message;
      if (this.#over?.error) throw this.#over.error;
      if (this.#over) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    if (this.#over) return;
    this.finish();
    this.#queue.length = 0;
    this.#deliver(() => this.peer.finish());
  }

  take(message: Message): void {
    if (this.#over) return;
    if (this.#sink) return this.#sink(message);
    this.#queue.push(message);
    this.#wake();
  }

  finish(error?: Error): void {
    this.#over ??= { error };
    this.#wake();
  }

  /** Has something happen at the other end, behind what was sent before. */
  #deliver(action: () => void): void {
    const { world, weather } = this.#line;
    if (!this.#line.passes()) return;
    this.#arrival = Math.max(this.#arrival, world.now() + weather.latency());
    // What is on its way when it breaks is lost.
    world.after(this.#arrival - world.now(), () => this.#line.broken || action());
  }
}

/** A connection. */
class Line {
  broken = false;
  readonly ends: [End, End] = [new End(this), new End(this)];
  #messages = 0;

  constructor(readonly world: World, readonly weather: Weather) {
    const [a, b] = this.ends;
    [a.peer, b.peer] = [b, a];
  }

  /** Counts a message; one too many breaks the connection. */
  passes(): boolean {
    if (this.#messages++ >= this.weather.breaksAfter && !this.broken) {
      this.broken = true;
      for (const end of this.ends) {
        this.world.after(this.weather.silence(), () => end.finish(new Error("cut")));
      }
    }
    return !this.broken;
  }
}

/** Two ends of a connection. */
export function connection(world: World, weather: Weather): [StreamLink, StreamLink] {
  return new Line(world, weather).ends;
}
