/** What a queued message costs besides its own length, so that empty ones count too. */
const MESSAGE_OVERHEAD = 64;

/**
 * Received messages until they are read, in order, with an end. One reader at a time.
 * Bounded by its writer, who waits for {@link MessageQueue.room} before it adds more.
 */
export class MessageQueue<M extends { length: number }> {
  readonly #limit: number;
  #messages: M[] = [];
  #size = 0;
  #reader: PromiseWithResolvers<M | null> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #end: { error?: Error } | undefined;

  /** @param limit the length of messages, in their own unit, beyond which there is no room */
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
  add(message: M): void {
    if (this.#end !== undefined) return;
    if (this.#reader !== undefined) {
      this.#reader.resolve(message);
      this.#reader = undefined;
    } else {
      this.#messages.push(message);
      this.#size += message.length + MESSAGE_OVERHEAD;
    }
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
    this.#size = 0;
    this.#makeRoom();
    this.end();
  }

  /**
   * The next message, or null after the last one.
   *
   * @throws {Error} after the last one if it ended with an error
   */
  next(): Promise<M | null> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      this.#size -= message.length + MESSAGE_OVERHEAD;
      if (this.#size <= this.#limit) this.#makeRoom();
      return Promise.resolve(message);
    }
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

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
