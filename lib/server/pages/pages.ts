import { aboutPage } from "../../../templates/about.tsx";
import { guessCi, guessSystem } from "../../../templates/assets/shared/choices.js";
import { readPublicKeys } from "../../../templates/assets/shared/public_keys.js";
import { downloadsPage } from "../../../templates/downloads.tsx";
import { errorPage } from "../../../templates/error.tsx";
import { guidePage } from "../../../templates/guide.tsx";
import { installScript } from "../../../templates/install_script.ts";
import { sessionsPage } from "../../../templates/sessions.tsx";
import type { Site } from "../../../templates/site.ts";
import type { BuildState } from "../../dist/build_state.ts";
import { makeRendezvousId } from "../../protocol/names.ts";
import type { AdminLock, Locked } from "../http/admin_lock.ts";
import { listDownloads } from "./downloads.ts";
import { usageFromForm } from "./usage.ts";
import type { Pages } from "../http/router.ts";
import type { SessionsFeed } from "./sessions_feed.ts";
import { PAGE_SIZE, parseSessionsQuery } from "./sessions_query.ts";

/** A response that is a page. */
function html(body: string, status = 200): Response {
  return new Response(body, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}

/**
 * The page of an error, for a person with a browser.
 *
 * @param title a few words
 * @param text what it means and what to do
 */
function errorResponse(site: Site, status: number, title: string, text: string): Response {
  return html(errorPage({ site, status, title, text }), status);
}

/** Redirects the form to itself with an ID filled in, so that a reload keeps that ID. */
function redirectWithId(site: Site, form: URLSearchParams): Response {
  form.delete("new-id");
  // A private key must not go any further.
  for (const name of ["key", "host-key"]) {
    if (readPublicKeys(form.getAll(name).join("\n")).secret) form.delete(name);
  }
  form.set("id", makeRendezvousId());
  const location = `${site.base}/usage?${form}#usage-form`;
  return new Response(null, { status: 303, headers: { location } });
}

/** What the pages are made from. */
export interface PagesOptions {
  /** Where the executables are. */
  staticDir: string;
  /** The state of their build. @default nothing is built */
  build?: BuildState;
  sessions: SessionsFeed;
  /** What `/metrics` answers. */
  metrics(): Promise<Response>;
  /** The jump host, if there is one. @default none */
  jump?(): Site["jump"];
  /** Who may see the sessions and the metrics. */
  lock: AdminLock;
}

/**
 * Makes the function that answers for all pages and for the API behind the sessions page. An
 * unknown path gets a page that says so.
 */
export function createPages(options: PagesOptions): Pages {
  const { staticDir, build, sessions, lock } = options;
  return async (request, plain, path, address) => {
    const site = { ...plain, jump: options.jump?.() };
    const form = new URL(request.url).searchParams;
    const system = guessSystem(request.headers.get("user-agent") ?? "");
    const computer = system === "windows" ? system : "posix";
    const ci = guessCi(request.headers.get("referer") ?? "");
    const name = path.replace(/(.)\/$/, "$1");
    switch (name) {
      case "/":
        return html(aboutPage({ site }));
      case "/usage":
        if (form.has("new-id")) return redirectWithId(site, form);
        return html(
          usageFromForm(site, form, { computer, ci }),
        );
      case "/guide":
        return html(guidePage({ site, computer }));
      case "/downloads":
        return html(
          downloadsPage({
            site,
            downloads: await listDownloads(staticDir, build),
            computer: system,
          }),
        );
      case "/sessions": {
        const locked = lock.check(request, address);
        if (locked) return lockedResponse(site, locked);
        await sessions.refresh();
        const query = parseSessionsQuery(form, PAGE_SIZE);
        const view = sessions.view(query);
        return html(sessionsPage({ site, query, view, open: sessions.open }));
      }
      case "/install.sh":
        return new Response(installScript(site), {
          headers: { "content-type": "text/x-shellscript; charset=utf-8" },
        });
      case "/api/server":
        return Response.json({ version: site.version, username: site.username });
      case "/api/sessions":
      case "/api/sessions/events":
        return await lock.guard(
          request,
          address,
          async () => {
            await sessions.refresh();
            return sessions.answer(request, name.endsWith("/events"));
          },
        );
      case "/metrics":
        return await lock.guard(request, address, () => options.metrics());
      default:
        return errorResponse(site, 404, "No such page", "Nothing is at this address.");
    }
  };
}

function lockedResponse(site: Site, { status, headers }: Locked): Response {
  const response = status === 401
    ? errorResponse(
      site,
      status,
      "For administrators",
      "Log in as admin with the administrator's password.",
    )
    : errorResponse(site, status, "Too many wrong passwords", "Try again in a few seconds.");
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
