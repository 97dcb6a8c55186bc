/** The longest reason that fits into a close frame, in bytes of UTF-8 (RFC 6455, section 5.5). */
const MAX_CLOSE_REASON = 123;

/** Cuts the reason of a close frame to what fits, between two characters. */
export function closeReason(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_CLOSE_REASON));
  return text.slice(0, read);
}
