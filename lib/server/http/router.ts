/** What each path answers. */
import { parseDuration } from "../../text/duration.ts";
import { isRendezvousId, RENDEZVOUS_ID_RULE } from "../../protocol/names.ts";
import type { Site } from "../../../templates/site.ts";
import { textResponse } from "./http.ts";
import type { Refusal } from "../rendezvous/types.ts";
import type { RequestTarget } from "./target.ts";

/** The longest `?wait=`, in milliseconds. */
const MAX_WAIT_MS = 24 * 3_600_000;

/** Asks a proxy or a program to come again, in seconds. */
const RETRY_AFTER = "5";

/**
 * Answers what the router does not know itself.
 *
 * @param path below the base path, for instance `/usage`
 */
export type Pages = (request: Request, site: Site, path: string) => Response | Promise<Response>;

/** Answers `/static/NAME`. */
export type StaticFiles = (request: Request, name: string) => Promise<Response>;

/** Who is let in; the rendez-vous decides. */
export interface Gate {
  readonly draining: boolean;
  admitAgent(id: string): Refusal | undefined;
  admitClient(id: string, patient: boolean): Refusal | undefined;
}

export interface RouterOptions {
  gate: Gate;
  pages: Pages;
  staticFiles: StaticFiles;
}

/** A websocket is welcome. */
export interface Welcome {
  who: "agent" | "client";
  id: string;
  /** How long a client waits for its agent, in milliseconds; 0: not at all. */
  waitMs: number;
}

/** A websocket is not. */
export interface TurnedDown {
  who?: "agent" | "client";
  /** Empty if it is none. */
  id: string;
  refusal: Refusal;
}

export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Answers a request that asks for no upgrade. */
  async respond(target: RequestTarget): Promise<Response> {
    const { request, site, path } = target;
    if (isWebsocketPath(path)) {
      const answer = this.admit(target);
      return "refusal" in answer ? refusalResponse(answer.refusal) : upgradeRequired();
    }
    if (path === "/healthz") return textResponse(200, "ok");
    if (path === "/readyz") {
      return this.#options.gate.draining ? unavailable("draining") : textResponse(200, "ready");
    }
    const [, name] = /^\/static\/(.+)$/.exec(path) ?? [];
    if (name !== undefined) return await this.#options.staticFiles(request, name);
    return await this.#options.pages(request, site, path);
  }

  /** Says whether a request for a websocket is welcome. */
  admit({ request, site, path }: RequestTarget): Welcome | TurnedDown {
    const [, who, id = ""] = /^\/(agent|client)\/(.*)$/.exec(path) ?? [];
    if (who !== "agent" && who !== "client") {
      const reason = "websockets are at /agent/ID and /client/ID only";
      return { id: "", refusal: { label: "bad-request", status: 404, reason } };
    }
    if (!isRendezvousId(id)) {
      const reason = `the rendez-vous ID in the path is not ${RENDEZVOUS_ID_RULE}`;
      return { who, id: "", refusal: { label: "bad-request", status: 400, reason } };
    }
    // Browsers let any page open websockets to anywhere, also into networks that only the browser
    // can reach; SSH protects what is behind, but pages from elsewhere have no business here. No
    // other program sends an Origin by itself.
    const origin = request.headers.get("origin");
    if (origin !== null && URL.parse(origin)?.host !== new URL(site.http).host) {
      const reason = "the request comes from a page of another site: leave the Origin header out";
      return { who, id, refusal: { label: "foreign-origin", status: 403, reason } };
    }
    const wait = new URL(request.url).searchParams.get("wait") ?? "0s";
    const waitMs = parseWait(wait);
    if (waitMs === undefined) {
      const reason = "?wait= takes a duration such as 90s, 5m or 1h, a day at most";
      return { who, id, refusal: { label: "bad-request", status: 400, reason } };
    }
    const { gate } = this.#options;
    const refusal = who === "agent" ? gate.admitAgent(id) : gate.admitClient(id, waitMs > 0);
    return refusal ? { who, id, refusal } : { who, id, waitMs };
  }
}

function isWebsocketPath(path: string): boolean {
  return /^\/(agent|client)\//.test(path);
}

function parseWait(text: string): number | undefined {
  try {
    const waitMs = parseDuration(text);
    return waitMs <= MAX_WAIT_MS ? waitMs : undefined;
  } catch {
    return undefined;
  }
}

/** Tells the reason in a response, before any upgrade. */
export function refusalResponse({ status, reason }: Refusal): Response {
  return status === 503 ? unavailable(reason) : textResponse(status, reason);
}

function unavailable(line: string): Response {
  return textResponse(503, line, { "retry-after": RETRY_AFTER });
}

function upgradeRequired(): Response {
  const line = "this is a websocket: connect with wsproxy, tunnel or another websocket program";
  return textResponse(426, line, { upgrade: "websocket", connection: "upgrade" });
}
