/** `wsproxy URL [HOST]`. */
import type { WsproxyFlags } from "../cli/client_options.ts";
import { UsageError } from "../cli/usage_error.ts";
import { clientPath, websocketUrl } from "../protocol/urls.ts";
import { isRendezvousId, RENDEZVOUS_ID_RULE } from "../protocol/names.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import { forgetOtherKeys } from "./host_key/known_hosts.ts";
import { interruptionMessages } from "./interruption_messages.ts";
import { relay } from "./relay.ts";
import { websocketOptions } from "./websocket_options.ts";

/**
 * The websocket of the job that a host name stands for. A query of the server's URL stays.
 *
 * @param host `ID.SUFFIX`, as the person wrote it
 * @throws {UsageError} if there is no ID in it
 */
export function jobUrl(server: URL, host: string): URL {
  const id = host.replace(/\.[^.]*$/, "");
  if (id === host || !isRendezvousId(id)) {
    throw new UsageError(
      `cannot use the host "${host}": before its last dot must be an ID, ${RENDEZVOUS_ID_RULE}`,
    );
  }
  const url = websocketUrl(server, clientPath(id));
  url.search = server.search;
  return url;
}

export interface ConnectContext {
  /** Tells the person something. */
  say: (line: string) => void;
  /** The same while ssh may use the terminal. */
  interrupt: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Connects a local stream to a websocket, or with `host` to a job.
 *
 * @throws {Error} if it cannot be opened, or either side broke
 */
export async function connect(
  local: ByteStream,
  target: { url: URL; host?: string },
  { knownHosts, ...options }: WsproxyFlags,
  { say, interrupt, signal }: ConnectContext,
): Promise<void> {
  const { url, host } = target;
  const relayOptions = {
    ...await websocketOptions(options),
    signal,
    ...interruptionMessages(interrupt, options.resumeTime),
  };
  if (host === undefined) return await relay(local, url, relayOptions);
  const onHostKey = async (key: Uint8Array) => {
    if (knownHosts === undefined || !await forgetOtherKeys(knownHosts, host, key)) return;
    say(
      `${host} has another host key than the last time, as each run of a job has unless its key ` +
        "is kept. ssh asks about it: compare the fingerprint with the one in the job's log",
    );
  };
  await relay(local, jobUrl(url, host), { ...relayOptions, onHostKey });
}
