/** Our own styles, scripts and images only; no framing. */
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

/** A response of one line for a person. */
export function textResponse(status: number, line: string, headers?: HeadersInit): Response {
  const response = new Response(`${line}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  return response;
}

/**
 * Adds the headers that keep any response harmless in a browser, errors and downloads included.
 * Without a cache-control of its own it is not stored.
 */
export function protect(response: Response): Response {
  const { headers } = response;
  headers.set("content-security-policy", CONTENT_SECURITY_POLICY);
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  return response;
}
