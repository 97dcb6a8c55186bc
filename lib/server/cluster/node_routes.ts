/** The way from a client at this node to the node that has its agent. */
import type { Log } from "../../log/log.ts";
import { RESUME_SUBPROTOCOL } from "../../protocol/messages.ts";
import { errorMessage } from "../../text/error_message.ts";
import { UpgradeRefusedError } from "../../wire/websocket/websocket.ts";
import type { Connections } from "../relay/connections.ts";
import type { PeerSocket } from "../relay/peer_socket.ts";
import * as refusals from "../rendezvous/refusals.ts";
import type { Refusal } from "../rendezvous/types.ts";
import type { AgentDirectory, Place } from "./directory.ts";
import { LinkSocket } from "./link_socket.ts";
import type { LinkRequest, PeerLinks } from "./peer_links.ts";

/** A websocket to the node that has an agent. */
export interface NodeLink {
  peer: PeerSocket;
  /** Starts to receive, once there is someone who gets what comes; until then it waits. */
  start(): void;
}

export interface NodeRoutesOptions {
  /** The address of this node. */
  nodeUrl: string;
  directory: Pick<AgentDirectory, "find">;
  peers: PeerLinks;
  connections: Connections;
  /** Whether an agent is registered at this node. */
  has(id: string): boolean;
  log: Log;
}

/** Looks up where agents are, and connects to the nodes that have them. */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions;

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  /**
   * Connects to the node that has a client's agent.
   *
   * @returns undefined if no other node has it: what holds is what this one knows
   */
  async reach(request: LinkRequest): Promise<NodeLink | Refusal | undefined> {
    const { id, waitMs } = request;
    if (this.#options.has(id)) return undefined;
    const wait = (refusal: Refusal) => waitMs > 0 ? undefined : refusal;
    // It may have moved while it was asked for.
    for (let tries = 0; tries < 2; tries++) {
      const place = await this.#find(id);
      if (place === undefined) return undefined;
      if (place === "unknown") return wait(refusals.directoryAway(id));
      if (!this.isElsewhere(place)) break;
      try {
        return await this.#open(place.url, request);
      } catch (error) {
        if (!(error instanceof UpgradeRefusedError)) {
          return wait(this.#notReached(place.url, id, error));
        }
        const { status, reason } = error;
        const refusal = this.#refusalOf(place.url, id, status, reason);
        if (status !== 404) return status === 503 ? refusal : wait(refusal);
      }
    }
    return wait(refusals.agentAway(id));
  }

  /** Why the node that has an agent would refuse a client; undefined: it would not. */
  async peek(request: LinkRequest): Promise<Refusal | "unknown" | undefined> {
    const { id } = request;
    const place = await this.#find(id);
    if (place === undefined) return "unknown";
    if (place === "unknown") return refusals.directoryAway(id);
    if (!this.isElsewhere(place)) return refusals.agentAway(id);
    try {
      const { status, text } = await this.#options.peers.peek(place.url, request);
      return status === 426 ? undefined : this.#refusalOf(place.url, id, status, text.trim());
    } catch (error) {
      return this.#notReached(place.url, id, error);
    }
  }

  /** Whether an agent is at another node, which is there. */
  isElsewhere(place: Place): boolean {
    return place.alive && place.url !== this.#options.nodeUrl;
  }

  /** Where an agent is; undefined: nowhere. */
  async #find(id: string): Promise<Place | "unknown" | undefined> {
    try {
      const [place] = await this.#options.directory.find([id]);
      return place === "unsettled" ? "unknown" : place;
    } catch {
      return "unknown";
    }
  }

  async #open(node: string, request: LinkRequest): Promise<NodeLink> {
    const connection = await this.#options.peers.open(node, request);
    const socket = new LinkSocket(connection);
    const { address } = request;
    const resumable = connection.protocol === RESUME_SUBPROTOCOL;
    const peer = this.#options.connections.add(socket, { address, halfClose: true, resumable });
    return { peer, start: () => socket.start() };
  }

  /** Why a client is refused that another node refuses. */
  #refusalOf(node: string, id: string, status: number, reason: string): Refusal {
    if (status === 503) return { label: "agent-away", status, reason };
    if (status === 404) return refusals.agentAway(id);
    this.#options.log.error("node refuses", { node, status, reason });
    return refusals.nodeAway(id);
  }

  #notReached(node: string, id: string, error: unknown): Refusal {
    this.#options.log.warn("node not reached", { node, reason: errorMessage(error) });
    return refusals.nodeAway(id);
  }
}
