/** What the payload of `deno compile` starts with: `d3n0l4nd`. */
export const PAYLOAD_MAGIC: Uint8Array<ArrayBuffer> = new TextEncoder().encode("d3n0l4nd");
