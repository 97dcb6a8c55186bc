/** Posts the announcement to a webhook. */

import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error_message.ts";
import { Deadline } from "../../wire/deadline.ts";
import { delay } from "../../wire/delay.ts";
import type { AnnouncementJson } from "./announcement.ts";

export interface NotifyOptions {
  log: Log;
  /** Gives up at once, because the agent ends. */
  signal?: AbortSignal;
  /** A CA in PEM to trust besides the system's. */
  ca?: string;
  /** The longest wait for one answer. @default 10 s, in milliseconds */
  timeout?: number;
  /** How long to wait before each further try. @default 2 s and 10 s, in milliseconds */
  retryAfter?: number[];
}

/** Whether another try can help after an answer with this status. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * Posts `announcement` as JSON. A failure is logged without the URL, which is a webhook's secret.
 */
export async function notifyUrl(
  url: URL,
  announcement: AnnouncementJson,
  options: NotifyOptions,
): Promise<void> {
  const { log, signal, ca, retryAfter = [2_000, 10_000] } = options;
  using client = Deno.createHttpClient({ caCerts: ca === undefined ? [] : [ca] });
  for (let attempt = 0; !signal?.aborted; attempt++) {
    const failure = await post(url, announcement, client, options);
    if (failure === undefined) return log.debug("posted to --notify-url");
    const wait = failure.final ? undefined : retryAfter[attempt];
    log.warn("cannot post to --notify-url", {
      reason: failure.reason,
      again: wait !== undefined,
    });
    if (wait === undefined) return;
    await delay(wait, signal);
  }
}

/** Tries once; resolves to what went wrong, if anything did. */
async function post(
  url: URL,
  announcement: AnnouncementJson,
  client: Deno.HttpClient,
  options: NotifyOptions,
): Promise<{ reason: string; final: boolean } | undefined> {
  const { timeout = 10_000, signal } = options;
  using deadline = new Deadline(timeout, signal);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(announcement),
      // A redirected POST becomes a GET, without the announcement.
      redirect: "manual",
      signal: deadline.signal,
      client,
    });
    await response.body?.cancel();
    if (response.ok) return undefined;
    return { reason: `status ${response.status}`, final: !isPassing(response.status) };
  } catch (error) {
    const cause = deadline.passed ? deadline.signal.reason : error;
    return { reason: errorMessage(cause).replaceAll(/\S*:\/\/\S*/g, "(the URL)"), final: false };
  }
}
