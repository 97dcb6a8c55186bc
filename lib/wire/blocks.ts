/**
 * Blocks of memory that are used again: new memory costs more than reading or copying the bytes that
 * go into it.
 *
 * @module
 */

/** How much is kept to be used again, in bytes. */
const MAX_SPARE = 4 * 1024 * 1024;

/** Longer blocks, which a long message needs, are not: nobody asks for the same size again. */
const MOST = 272 * 1024;

/** By their size. */
const spare = new Map<number, Uint8Array<ArrayBuffer>[]>();
let spareBytes = 0;

/** A block of so many bytes, whatever is in them. */
export function takeBlock(size: number): Uint8Array<ArrayBuffer> {
  const block = spare.get(size)?.pop();
  if (block) spareBytes -= size;
  return block ?? new Uint8Array(size);
}

/** Gives back a whole block, which nobody uses any more. */
export function giveBack(block: Uint8Array<ArrayBuffer>): void {
  if (block.length > MOST || spareBytes + block.length > MAX_SPARE) return;
  spareBytes += block.length;
  const blocks = spare.get(block.length);
  if (blocks) blocks.push(block);
  else spare.set(block.length, [block]);
}
