import type { Site } from "../../../templates/site.ts";
import { textResponse } from "./http.ts";
import { type SiteConfig, siteOf } from "./site.ts";

/** Where a request goes; `path` starts with a slash and is relative to the base path. */
export interface RequestTarget {
  /** With the public URL. */
  request: Request;
  site: Site;
  path: string;
}

/** Finds where a request goes; a response says why it goes nowhere. */
export function findTarget(request: Request, config: SiteConfig): RequestTarget | Response {
  const url = new URL(request.url);
  const { method } = request;
  const headers = new Headers(request.headers);
  // HTTP/2 has the host in the URL only.
  if (!headers.has("host")) headers.set("host", url.host);
  const site = siteOf(headers, config);
  const { basePath } = config;
  if (!`${url.pathname}/`.startsWith(`${basePath}/`)) {
    return elsewhere(headers, basePath, new URL(site.http).origin);
  }
  let path: string;
  try {
    path = decodeURIComponent(url.pathname.slice(basePath.length)) || "/";
  } catch {
    return textResponse(400, "the path is not valid UTF-8");
  }
  const publicUrl = new URL(site.http);
  // Set, not parsed: two slashes at the start of a path would be taken for a host.
  [publicUrl.pathname, publicUrl.search] = [url.pathname, url.search];
  return { request: new Request(publicUrl, { method, headers }), site, path };
}

/** Says where the server is: in a line for programs, with a link for browsers. */
function elsewhere(headers: Headers, basePath: string, origin: string): Response {
  const line = `not found: this server is below ${basePath}/`;
  if (!headers.get("accept")?.includes("text/html")) return textResponse(404, line);
  const link = `<a href="${origin}${basePath}/">${origin}${basePath}/</a>`;
  return new Response(
    `<!doctype html>\n<title>Not found</title>\n<p>This server is at ${link}.\n`,
    {
      status: 404,
      headers: { "content-type": "text/html; charset=utf-8" },
    },
  );
}
