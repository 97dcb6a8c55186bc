import type { ByteStream } from "../wire/byte_stream.ts";
import { pipe } from "../wire/pipe.ts";
import { watchedStream } from "./host_key/watched_stream.ts";
import { openRemote, type Remote, type RemoteOptions } from "./remote.ts";

export interface WebSocketRelayOptions extends RemoteOptions {
  /** Gets the host key of an SSH server at the other end, before it is passed on. */
  onHostKey?: (key: Uint8Array) => Promise<void>;
  /** Tells the other end of `local` why the websocket cannot be opened, before that is closed. */
  onRefused?: (error: unknown) => Promise<void>;
}

/** How long a close frame has to go out when the program is asked to end, in milliseconds. */
const LEAVE_TIMEOUT_MS = 500;

/**
 * Opens a websocket and copies bytes between it and `local` until both directions have ended.
 * Resolves when both are closed, or the signal has ended them.
 *
 * @throws {Error} if it cannot be opened, or either side broke
 */
export async function relay(
  local: ByteStream,
  url: URL,
  options: WebSocketRelayOptions,
): Promise<void> {
  const { signal, onHostKey, onRefused } = options;
  const left = Promise.withResolvers<void>();
  let remote: Remote | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const leave = () => {
    local.close();
    remote?.leave();
    timer = setTimeout(left.resolve, LEAVE_TIMEOUT_MS);
  };
  const copy = async () => {
    try {
      remote = await openRemote(url, options);
    } catch (error) {
      await onRefused?.(error);
      throw error;
    }
    const { stream } = remote;
    try {
      await pipe(local, onHostKey === undefined ? stream : watchedStream(stream, onHostKey));
    } finally {
      await remote.closed();
    }
  };
  signal.addEventListener("abort", leave);
  try {
    await Promise.race([copy(), left.promise]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", leave);
    clearTimeout(timer);
    local.close();
  }
}
