/** What a node answers to the others. */
import { textResponse } from "../http/http.ts";
import type { RequestTarget } from "../http/target.ts";
import type { MessageSocket } from "../../wire/message_socket.ts";
import type { Registry } from "../relay/agent_connection.ts";
import type { TakenReports } from "../relay/peer_socket.ts";
import * as refusals from "../rendezvous/refusals.ts";
import type { AgentInfo } from "../rendezvous/types.ts";
import { ReportedSocket } from "./link_socket.ts";
import { PEER_PATH } from "./peer_links.ts";
import { type PeerProofs, PROOF_HEADER } from "./peer_proof.ts";

export interface PeerRequestsOptions {
  /** The address of this node. */
  nodeUrl: string;
  proofs: PeerProofs;
  /** Whether an agent is registered here. */
  has(id: string): boolean;
  /** The agents here. */
  snapshot(): AgentInfo[];
  /** An agent has moved to the node that says so. */
  moved(id: string): Promise<void>;
}

/** A websocket that another node wants for one of its agents or clients. */
export interface PeerVisit {
  target: RequestTarget;
  /** Where the agent or client connects from. */
  address: string;
  /** What takes the place of the native websocket. */
  wrap(socket: WebSocket): { socket: MessageSocket; reports?: TakenReports };
  registry: Registry;
}

/** An agent that came through another node may park connections and nothing else. */
const PARKS_ONLY: Registry = {
  register: () => Promise.resolve(refusals.wrongSecret("")),
  carry: (_socket, id) => Promise.resolve(refusals.wrongSecret(id)),
};

/** See {@link PeerRequests.answer}. */
export class PeerRequests {
  readonly #options: PeerRequestsOptions;

  constructor(options: PeerRequestsOptions) {
    this.#options = options;
  }

  /**
   * Answers a request, or says whom a websocket is for, which this node must serve itself: what
   * comes from a node is never passed on.
   *
   * @returns undefined if it is no request of a node
   */
  async answer(
    { request, site, path }: RequestTarget,
  ): Promise<Response | PeerVisit | undefined> {
    if (!path.startsWith(`${PEER_PATH}/`)) return undefined;
    const { nodeUrl, proofs, has, snapshot, moved } = this.#options;
    const url = new URL(request.url);
    const full = url.pathname.slice(url.pathname.indexOf(`${PEER_PATH}/`)) + url.search;
    const reason = proofs.refuse(nodeUrl, full, request.headers.get(PROOF_HEADER));
    if (reason !== undefined) return textResponse(403, reason);
    const [, what, id = ""] = /^\/peer\/([a-z]+)(?:\/(.+))?$/.exec(path) ?? [];
    if (what === "agents") return Response.json(snapshot());
    if (what === "moved") {
      await moved(id);
      return textResponse(200, "ok");
    }
    if (what !== "client" && what !== "agent") return textResponse(404, `nothing at ${path}`);
    if (!has(id)) return textResponse(404, `no agent "${id}" is registered at this node`);
    const address = url.searchParams.get("address") ?? "";
    return {
      target: { request, site, path: `/${what}/${id}` },
      address,
      wrap: (socket) => {
        if (what === "agent") return { socket };
        const reported = new ReportedSocket(socket);
        return { socket: reported, reports: reported };
      },
      registry: PARKS_ONLY,
    };
  }
}
