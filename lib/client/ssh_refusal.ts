/** SSH_MSG_DISCONNECT (RFC 4253, section 11.1), with SSH_DISCONNECT_TOO_MANY_CONNECTIONS. */
const MESSAGE = 1, REASON = 12;

/** Packets before the key exchange are a multiple of this long, with at least this padding. */
const BLOCK = 8, MIN_PADDING = 4;

/** Numbers in RFC 4251's byte order. */
function uint32(number: number): number[] {
  return [24, 16, 8, 0].map((shift) => number >>> shift & 0xff);
}

/**
 * What an SSH server sends to a client that it refuses: its version (RFC 4253, section 4.2) and, in
 * a packet that is not encrypted yet (section 6), SSH_MSG_DISCONNECT.
 *
 * @param reason which clients show
 */
export function sshRefusal(reason: string): Uint8Array {
  const encoder = new TextEncoder();
  const text = encoder.encode(reason);
  const language = uint32(0);
  const payload = [MESSAGE, ...uint32(REASON), ...uint32(text.length), ...text, ...language];
  // The two lengths before the payload count too.
  const rest = (4 + 1 + payload.length + MIN_PADDING) % BLOCK;
  const padding = MIN_PADDING + (BLOCK - rest) % BLOCK;
  return Uint8Array.from([
    ...encoder.encode("SSH-2.0-Converge_tunnel\r\n"),
    ...uint32(1 + payload.length + padding),
    padding,
    ...payload,
    ...new Uint8Array(padding),
  ]);
}
