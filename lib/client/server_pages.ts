/** What wsproxy asks of a server over HTTP. */
import { writeFile } from "node:fs/promises";
import { websocketUrl } from "../protocol/urls.ts";
import { isUsername } from "../protocol/names.ts";
import { errorMessage } from "../text/error_message.ts";
import { boundedBody } from "../wire/bounded_body.ts";
import { Deadline } from "../wire/deadline.ts";
import { connectFailure } from "../wire/dial/connect_failure.ts";
import { httpGet } from "../wire/http_get.ts";
import { oneLine } from "../wire/http_response.ts";

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
 * Gets a page and hands its body to `read`.
 *
 * @param path below the base path, without a slash in front
 * @throws {Error} `cannot get "…": why`, for a status other than 200 too
 */
async function getPage<T>(
  { server, ca, signal }: ServerAccess,
  path: string,
  read: (body: ReadableStream<Uint8Array>) => Promise<T>,
): Promise<T> {
  const url = websocketUrl(server, path);
  try {
    return await httpGet(url, { ca, signal }, async ({ status, statusText, headers, body }) => {
      if (status === 200) return await read(body);
      const location = headers.get("location");
      const line = oneLine(`${status} ${statusText}`);
      throw new UnexpectedStatus(location === null ? line : oneLine(`${line}: try ${location}`));
    });
  } catch (error) {
    const why = signal.aborted ? errorMessage(signal.reason) : connectFailure(error);
    throw new Error(`cannot get "${path}" from ${url.host}: ${why}`, { cause: error });
  }
}

/** Gets a short text. @throws {Error} as {@link getPage}, and if it is long or slow */
export async function getText(access: ServerAccess, path: string): Promise<string> {
  using deadline = new Deadline(ANSWER_MS, access.signal);
  const { signal } = deadline;
  const read = (body: ReadableStream<Uint8Array>) => boundedBody(body, MAX_ANSWER_BYTES);
  return new TextDecoder().decode(await getPage({ ...access, signal }, path, read));
}

/** Gets a file of any length. @throws {Error} as {@link getPage}, and if it cannot be written */
export async function download(access: ServerAccess, path: string, file: string): Promise<void> {
  await getPage(access, path, (body) => writeFile(file, body));
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
