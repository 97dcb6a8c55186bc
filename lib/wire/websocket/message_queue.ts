import { ByteQueue, LEAST_BLOCK } from "../byte_queue.ts";

/** What a queued message costs besides its own length, so that empty ones count too. */
const MESSAGE_OVERHEAD = 64;

type Message = string | Uint8Array;

/**
 * Received messages until they are read, in order, with an end. One reader at a time.
 * Bounded by its writer, who waits for {@link MessageQueue.room} before it adds more.
 */
export class MessageQueue {
  readonly #limit: number;
  #messages: (Message | ByteQueue)[] = [];
  /** Where parts are added; among the messages while it holds some. */
  #parts = new ByteQueue();
  #size = 0;
  #reader: PromiseWithResolvers<Message | null> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #end: { error?: Error } | undefined;

  /** @param limit the length of messages, in bytes or characters, beyond which there is no room */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether its writer waits for room. */
  get paused(): boolean {
    return this.#room !== undefined;
  }

  /** How it ended, if it has. */
  get ended(): { error?: Error } | undefined {
    return this.#end;
  }

  /** Resolves when more may be added. */
  room(): Promise<void> {
    if (this.#size <= this.#limit) return Promise.resolve();
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Adds a message; ignored after the end. */
  add(message: Message): void {
    if (this.#end !== undefined) return;
    if (this.#reader !== undefined) {
      this.#reader.resolve(message);
      this.#reader = undefined;
    } else {
      if (this.#parts.length > 0) this.#parts = new ByteQueue();
      this.#messages.push(message);
      this.#size += message.length + MESSAGE_OVERHEAD;
    }
  }

  /** Adds a copy of a part of a stream; ignored after the end. Parts that wait are joined. */
  addPart(part: Uint8Array): void {
    if (this.#end !== undefined || part.length === 0) return;
    if (this.#parts.length === 0) {
      this.#messages.push(this.#parts);
      this.#size += LEAST_BLOCK;
    }
    this.#parts.add(part);
    this.#size += part.length;
    this.#reader?.resolve(this.take()!);
    this.#reader = undefined;
  }

  /** Ends it behind what it holds; the first end stays. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (error === undefined) this.#reader?.resolve(null);
    else this.#reader?.reject(error);
    this.#reader = undefined;
  }

  /** Ends it, and drops what it holds. */
  drop(): void {
    this.#messages = [];
    this.#parts = new ByteQueue();
    this.#size = 0;
    this.#makeRoom();
    this.end();
  }

  /**
   * The next message or joined parts, or null after the last one. Parts are good until the next call.
   *
   * @throws {Error} after the last one if it ended with an error
   */
  next(): Promise<Message | null> {
    const message = this.take();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#end !== undefined) {
      const { error } = this.#end;
      return error === undefined ? Promise.resolve(null) : Promise.reject(error);
    }
    if (this.#reader !== undefined) {
      return Promise.reject(new Error("cannot receive twice at once"));
    }
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  /** The next message or joined parts, if there are any. Parts are good until the next call. */
  take(): Message | undefined {
    const first = this.#messages[0];
    const message = first instanceof ByteQueue ? first.take() : first;
    if (first === undefined || message === undefined) return;
    this.#size -= message.length;
    if (!(first instanceof ByteQueue)) this.#size -= MESSAGE_OVERHEAD;
    else if (first.length === 0) this.#size -= LEAST_BLOCK;
    if (!(first instanceof ByteQueue) || first.length === 0) this.#messages.shift();
    if (this.#size <= this.#limit) this.#makeRoom();
    return message;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
