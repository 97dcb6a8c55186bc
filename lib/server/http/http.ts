/** Nothing but our own styles, scripts and images; nobody may frame a page. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** One line of text for a person, or a program that shows it to one. */
export function textResponse(status: number, line: string, headers?: HeadersInit): Response {
  const response = new Response(`${line}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  return response;
}

/**
 * Adds what keeps any answer harmless in a browser, errors and downloads included. What does not say
 * how long it may be kept is not to be kept.
 */
export function protect(response: Response): Response {
  const { headers } = response;
  headers.set("content-security-policy", CONTENT_SECURITY_POLICY);
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  return response;
}
