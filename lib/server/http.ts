/** Between node:http and the Request and Response that routes deal in. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** The headers of a request, those that make no sense left out. */
export function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    for (const value of values ?? []) {
      try {
        headers.append(name, value);
      } catch {
        // A name or a value that is no header.
      }
    }
  }
  return headers;
}

/** One line of text for a person, or a program that shows it to one. */
export function textResponse(status: number, line: string, headers?: HeadersInit): Response {
  const response = new Response(`${line}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("cache-control", "no-store");
  return response;
}

/**
 * Sends a response, as fast as the peer takes it; a peer that goes away ends the response's body.
 *
 * @returns a promise that resolves when nothing is left to do; it never rejects
 */
export async function sendResponse(
  message: IncomingMessage,
  to: ServerResponse,
  response: Response,
): Promise<void> {
  const gone = Promise.withResolvers<void>();
  to.once("close", gone.resolve);
  const reader = message.method === "HEAD" ? undefined : response.body?.getReader();
  try {
    to.writeHead(response.status, [...response.headers].flat());
    if (!reader) await response.body?.cancel();
    // Whoever waits for events must see that they are connected before the first one.
    else to.flushHeaders();
    while (reader && !to.destroyed) {
      const { done, value } = await Promise.race([
        reader.read(),
        gone.promise.then(() => ({ done: true, value: undefined })),
      ]);
      if (done || !value) break;
      if (!to.write(value)) {
        const drained = Promise.withResolvers<void>();
        to.once("drain", drained.resolve);
        await Promise.race([drained.promise, gone.promise]);
      }
    }
    to.end();
  } catch {
    // The body failed halfway; the peer must not take what it got for the whole.
    to.destroy();
  } finally {
    reader?.cancel().catch(() => {});
  }
}
