/**
 * Reads a response's body.
 *
 * @param limit the most bytes
 * @throws {Error} if it is longer, or the connection breaks
 */
export async function boundedBody(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the body.
    if (length > limit) throw new Error(`more than ${limit / 1024} KiB`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
