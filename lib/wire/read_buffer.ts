import { giveBack, takeBlock } from "./blocks.ts";
import type { RawConnection } from "./raw_connection.ts";

/** How much is read at once from a connection that brings little, in bytes. */
const SMALL = 8 * 1024;
/** From one that brings much. */
const LARGE = 256 * 1024;

/**
 * What one reader of a connection reads into: large only while much comes, since a program may have
 * hundreds of connections that bring little.
 */
export class ReadBuffer {
  readonly #connection: Pick<RawConnection, "read">;
  #block: Uint8Array<ArrayBuffer> | undefined;
  #size = SMALL;

  constructor(connection: Pick<RawConnection, "read">) {
    this.#connection = connection;
  }

  /**
   * Reads; null at end of file. The bytes are good until the next call.
   *
   * @throws {Error} what the connection does
   */
  async read(): Promise<Uint8Array | null> {
    if (this.#block?.length !== this.#size) {
      this.free();
      this.#block = takeBlock(this.#size);
    }
    const block = this.#block!;
    const count = await this.#connection.read(block);
    if (count === null) return null;
    if (count === block.length) this.#size = LARGE;
    else if (count < SMALL / 2) this.#size = SMALL;
    return block.subarray(0, count);
  }

  /** Gives the memory back, once nobody uses what was read. */
  free(): void {
    if (this.#block) giveBack(this.#block);
    this.#block = undefined;
  }
}
