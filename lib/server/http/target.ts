import type { Site } from "../../../templates/site.ts";
import { textResponse } from "./http.ts";
import { type SiteConfig, siteOf } from "./site.ts";

/** Where a request goes; `path` begins with a slash and is below the base path. */
export interface RequestTarget {
  /** With the public URL. */
  request: Request;
  site: Site;
  path: string;
}

/** Finds out where a request goes, or why nowhere. */
export function findTarget(request: Request, config: SiteConfig): RequestTarget | Response {
  const url = new URL(request.url);
  const { method } = request;
  const headers = new Headers(request.headers);
  // HTTP/2 has it in the URL only.
  if (!headers.has("host")) headers.set("host", url.host);
  const site = siteOf(headers, config);
  const { basePath } = config;
  if (!`${url.pathname}/`.startsWith(`${basePath}/`)) {
    return textResponse(404, `everything here is below ${basePath}/`);
  }
  let path: string;
  try {
    path = decodeURIComponent(url.pathname.slice(basePath.length)) || "/";
  } catch {
    return textResponse(400, "the path is not encoded as UTF-8");
  }
  const publicUrl = new URL(site.http);
  // Not to be parsed again: a path that begins with two slashes would be taken for a host.
  [publicUrl.pathname, publicUrl.search] = [url.pathname, url.search];
  return { request: new Request(publicUrl, { method, headers }), site, path };
}
