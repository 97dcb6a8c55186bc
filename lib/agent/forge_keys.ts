/** Public keys that GitHub, GitLab or any https URL publishes. */
import { errorMessage } from "../text/error_message.ts";
import { boundedBody } from "../wire/bounded_body.ts";
import { Deadline } from "../wire/deadline.ts";

/** The longest wait for one answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** The longest list of keys, in bytes: several hundred keys. */
const MAX_BYTES = 262_144;

const MAX_REDIRECTS = 5;

export interface FetchKeysOptions {
  /** A CA in PEM to trust besides the system's. */
  ca?: string;
  signal?: AbortSignal;
  /** @default 10 s, in milliseconds */
  timeout?: number;
}

/** Where GitHub publishes the keys of a user. */
export function githubKeysUrl(user: string): URL {
  return new URL(`https://github.com/${encodeURIComponent(user)}.keys`);
}

/** Where GitLab publishes the keys of a user. */
export function gitlabKeysUrl(user: string): URL {
  return new URL(`https://gitlab.com/${encodeURIComponent(user)}.keys`);
}

/**
 * Fetches a list of keys in the format of authorized_keys.
 *
 * @throws {Error} if it cannot be fetched within the limits of time and size, all over https
 */
export async function fetchKeys(url: URL, options: FetchKeysOptions = {}): Promise<Uint8Array> {
  const { ca, timeout = TIMEOUT_MS } = options;
  using deadline = new Deadline(timeout, options.signal);
  const { signal } = deadline;
  using client = Deno.createHttpClient({ caCerts: ca === undefined ? [] : [ca] });
  try {
    const response = await get(url, client, signal);
    return await boundedBody(response.body, MAX_BYTES);
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    throw new Error(`cannot fetch the keys at ${url.origin}${url.pathname}: ${why(reason)}`, {
      cause: error,
    });
  }
}

/** Follows redirects itself, so that none leads away from https. */
async function get(
  start: URL,
  client: Deno.HttpClient,
  signal: AbortSignal,
): Promise<Response> {
  let url = start;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    if (url.protocol !== "https:") throw new Error(`it redirects to ${url.protocol}, not https:`);
    const response = await fetch(url, { client, signal, redirect: "manual" });
    if (response.ok) return response;
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      throw new Error(`status ${response.status} ${response.statusText}`.trim());
    }
    url = new URL(location, url);
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

/** The innermost reason: what fetch() throws only repeats the URL. */
function why(error: unknown): string {
  return errorMessage(error instanceof TypeError && error.cause ? error.cause : error);
}
