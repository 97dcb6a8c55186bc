/** What wsproxy asks of a server over HTTP. */
import { httpUrl } from "../protocol/messages.ts";
import { isUsername } from "../protocol/names.ts";
import { errorMessage } from "../text/error_message.ts";
import { boundedBody } from "../wire/bounded_body.ts";
import { Deadline } from "../wire/deadline.ts";
import { connectFailure } from "../wire/dial/connect_failure.ts";

/** How a server is reached. */
export interface ServerAccess {
  /** `ws:` or `wss:`, with the base path if any. */
  server: URL;
  /** A CA in PEM to trust besides the system's. */
  ca?: string;
  signal: AbortSignal;
}

/** The longest wait for a short answer, in milliseconds, and its longest length, in bytes. */
const ANSWER_MS = 30_000;
const MAX_ANSWER_BYTES = 65_536;

/** The server answered with another status than 200. */
class UnexpectedStatus extends Error {
  override name = "UnexpectedStatus";
}

/**
 * Gets a page and hands its response to `read`.
 *
 * @param path below the base path, without a slash in front
 * @throws {Error} `cannot get "…": why`, for a status other than 200 too
 */
async function getPage<T>(
  { server, ca, signal }: ServerAccess,
  path: string,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const url = httpUrl(server, path);
  using client = Deno.createHttpClient({ caCerts: ca === undefined ? [] : [ca] });
  try {
    const response = await fetch(url, { client, signal, redirect: "manual" });
    if (response.status === 200) return await read(response);
    await response.body?.cancel();
    const location = response.headers.get("location");
    const status = `${response.status} ${response.statusText}`.trim();
    throw new UnexpectedStatus(location === null ? status : `${status}: try ${location}`);
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    throw new Error(`cannot get "${url.origin}${url.pathname}": ${why(reason)}`, { cause: error });
  }
}

/** The innermost reason: what fetch() throws only repeats the URL. */
function why(error: unknown): string {
  return errorMessage(
    error instanceof TypeError && error.cause ? connectFailure(error.cause) : error,
  );
}

/** Gets a short text. @throws {Error} as {@link getPage}, and if it is long or slow */
export async function getText(access: ServerAccess, path: string): Promise<string> {
  using deadline = new Deadline(ANSWER_MS, access.signal);
  const { signal } = deadline;
  return await getPage(
    { ...access, signal },
    path,
    async (response) => new TextDecoder().decode(await boundedBody(response, MAX_ANSWER_BYTES)),
  );
}

/** Gets a file of any length. @throws {Error} as {@link getPage}, and if it cannot be written */
export async function download(access: ServerAccess, path: string, file: string): Promise<void> {
  await getPage(access, path, async (response) => {
    using to = await Deno.open(file, { write: true, truncate: true });
    for await (const chunk of response.body ?? []) {
      for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await to.write(rest));
    }
  });
}

/**
 * Asks a server for the name that people log in with.
 *
 * @throws {Error} if it cannot be reached, or is not a Converge server
 */
export async function askUsername(access: ServerAccess): Promise<string> {
  let why = "its answer is that of another program";
  try {
    const { username } = JSON.parse(await getText(access, "api/server"));
    if (typeof username === "string" && isUsername(username)) return username;
  } catch (error) {
    const { cause } = Object(error);
    if (cause instanceof UnexpectedStatus) why = cause.message;
    else if (!(error instanceof SyntaxError)) throw error;
  }
  const { host, pathname } = access.server;
  throw new Error(
    `cannot use "${host}${pathname}": no Converge server answers there (${why}); ` +
      "check the address and its path",
  );
}
