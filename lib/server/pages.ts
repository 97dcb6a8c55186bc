import { errorPage } from "../../templates/error.tsx";
import type { Site } from "../../templates/site.ts";
import { usagePage } from "../../templates/usage.tsx";

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

/** An answer that is a page, with the headers that keep it harmless. */
function html(body: string, status = 200): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    },
  });
}

/**
 * The page of an error, for a person with a browser.
 *
 * @param title a few words
 * @param text what it means and what to do
 */
export function errorResponse(site: Site, status: number, title: string, text: string): Response {
  return html(errorPage({ site, status, title, text }), status);
}

/**
 * Answers GET and HEAD of a page.
 *
 * @param path below the base path, for instance `/usage`
 */
export type Pages = (request: Request, site: Site, path: string) => Response | Promise<Response>;

/** Makes the function that answers for all pages; an unknown path gets a page that says so. */
export function createPages(): Pages {
  return (_request, site, path) => {
    switch (path.replace(/(.)\/$/, "$1")) {
      case "/":
      case "/usage":
        return html(usagePage({ site }));
      default:
        return errorResponse(site, 404, "No such page", `There is nothing at ${path} here.`);
    }
  };
}
