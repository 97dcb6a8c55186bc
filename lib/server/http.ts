/** One line of text for a person, or a program that shows it to one. */
export function textResponse(status: number, line: string, headers?: HeadersInit): Response {
  const response = new Response(`${line}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("cache-control", "no-store");
  return response;
}
