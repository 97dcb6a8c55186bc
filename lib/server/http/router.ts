/** Which path gets which response. */
import { parseDuration } from "../../text/duration.ts";
import { isRendezvousId, RENDEZVOUS_ID_RULE } from "../../protocol/names.ts";
import type { Site } from "../../../templates/site.ts";
import { textResponse } from "./http.ts";
import type { Refusal } from "../rendezvous/types.ts";
import type { RequestTarget } from "./target.ts";

/** The longest `?wait=`, in milliseconds. */
const MAX_WAIT_MS = 24 * 3_600_000;

/** When to try again, in seconds. */
const RETRY_AFTER = "5";

/**
 * Answers requests for all other paths.
 *
 * @param path below the base path, for instance `/usage`
 * @param address where the request comes from
 */
export type Pages = (
  request: Request,
  site: Site,
  path: string,
  address: string,
) => Response | Promise<Response>;

/** Answers `/static/NAME`. */
export type StaticFiles = (request: Request, name: string) => Promise<Response>;

/** Decides who may connect. */
export interface Gate {
  readonly draining: boolean;
  admitAgent(id: string): Refusal | undefined;
  admitClient(id: string, patient: boolean, address: string): Refusal | undefined;
}

export interface RouterOptions {
  gate: Gate;
  pages: Pages;
  staticFiles: StaticFiles;
}

/** A websocket that may be upgraded. */
export interface Welcome {
  who: "agent" | "client";
  id: string;
  /** How long a client waits for its agent, in milliseconds; 0: it does not wait. */
  waitMs: number;
}

/** A websocket that is refused. */
export interface TurnedDown {
  who?: "agent" | "client";
  /** Empty if it is invalid. */
  id: string;
  refusal: Refusal;
}

export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Answers a request without an upgrade. */
  async respond(target: RequestTarget, address: string): Promise<Response> {
    const { request, site, path } = target;
    if (isWebsocketPath(path)) {
      const answer = this.admit(target, address);
      return "refusal" in answer ? refusalResponse(answer.refusal) : upgradeRequired();
    }
    if (path === "/healthz") return textResponse(200, "ok");
    if (path === "/readyz") {
      return this.#options.gate.draining ? unavailable("draining") : textResponse(200, "ready");
    }
    const [, name] = /^\/static\/(.+)$/.exec(path) ?? [];
    if (name !== undefined) return await this.#options.staticFiles(request, name);
    return await this.#options.pages(request, site, path, address);
  }

  /** Decides whether a request for a websocket may be upgraded. */
  admit({ request, site, path }: RequestTarget, address: string): Welcome | TurnedDown {
    const [, who, id = ""] = /^\/(agent|client)\/(.*)$/.exec(path) ?? [];
    if (who !== "agent" && who !== "client") {
      const reason = "websockets are at /agent/ID and /client/ID only";
      return { id: "", refusal: { label: "bad-request", status: 404, reason } };
    }
    const invalid = invalidId(id);
    if (invalid) return { who, id: "", refusal: invalid };
    // A browser lets any page open websockets to anywhere, into private networks too. SSH protects
    // what is behind, but pages of other sites have no business here. Programs send no Origin.
    const origin = request.headers.get("origin");
    if (origin !== null && URL.parse(origin)?.host !== new URL(site.http).host) {
      const reason = "the request comes from a page of another site: leave out the Origin header";
      return { who, id, refusal: { label: "foreign-origin", status: 403, reason } };
    }
    const wait = new URL(request.url).searchParams.get("wait") ?? "0s";
    return who === "client" ? this.admitClient(id, wait, address) : this.#admitAgent(id);
  }

  #admitAgent(id: string): Welcome | TurnedDown {
    const refusal = this.#options.gate.admitAgent(id);
    return refusal ? { who: "agent", id, refusal } : { who: "agent", id, waitMs: 0 };
  }

  /** Decides whether a client may connect to an agent. */
  admitClient(id: string, wait: string, address: string): Welcome | TurnedDown {
    const who = "client";
    const invalid = invalidId(id);
    if (invalid) return { who, id: "", refusal: invalid };
    const waitMs = parseWait(wait);
    if (waitMs === undefined) {
      const reason = "?wait= must be a duration such as 90s, 5m or 1h, at most a day";
      return { who, id, refusal: { label: "bad-request", status: 400, reason } };
    }
    const refusal = this.#options.gate.admitClient(id, waitMs > 0, address);
    return refusal ? { who, id, refusal } : { who, id, waitMs };
  }
}

function isWebsocketPath(path: string): boolean {
  return /^\/(agent|client)\//.test(path);
}

function invalidId(id: string): Refusal | undefined {
  if (isRendezvousId(id)) return undefined;
  const reason = `invalid rendez-vous ID in the path: it must be ${RENDEZVOUS_ID_RULE}`;
  return { label: "bad-request", status: 400, reason };
}

function parseWait(text: string): number | undefined {
  try {
    const waitMs = parseDuration(text);
    return waitMs <= MAX_WAIT_MS ? waitMs : undefined;
  } catch {
    return undefined;
  }
}

/** The response for a refusal before the upgrade. */
export function refusalResponse({ status, reason }: Refusal): Response {
  return status === 503 ? unavailable(reason) : textResponse(status, reason);
}

function unavailable(line: string): Response {
  return textResponse(503, line, { "retry-after": RETRY_AFTER });
}

export function upgradeRequired(): Response {
  const line =
    "this path is for websockets: connect with wsproxy, tunnel or another websocket program";
  return textResponse(426, line, { upgrade: "websocket", connection: "upgrade" });
}
