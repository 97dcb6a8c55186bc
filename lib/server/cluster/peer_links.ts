/** How a node asks another one, and connects to it. */
import { HALF_CLOSE_SUBPROTOCOL, RESUME_SUBPROTOCOL } from "../../protocol/messages.ts";
import { boundedBody } from "../../wire/bounded_body.ts";
import { connectWebSocket, type WebSocketConnection } from "../../wire/websocket/websocket.ts";
import { type PeerProofs, PROOF_HEADER } from "./peer_proof.ts";

/** Below the base path of a node: what only nodes may ask for. */
export const PEER_PATH = "/peer";

/** The most bytes that a node may answer with. */
const MAX_ANSWER = 64 * 2 ** 20;

/** Whom a link is for. */
export interface LinkRequest {
  who: "agent" | "client";
  id: string;
  /** Where the agent or client connects from. */
  address: string;
  /** How long a client waits for its agent, in milliseconds. */
  waitMs: number;
  /** Whether it speaks `RESUME_SUBPROTOCOL`. */
  resumable: boolean;
}

function pathOf({ who, id, address, waitMs }: LinkRequest): string {
  const query = new URLSearchParams({ address, wait: `${Math.ceil(waitMs / 1_000)}s` });
  return `${PEER_PATH}/${who}/${id}?${query}`;
}

export interface PeerLinksOptions {
  proofs: PeerProofs;
  /** How long another node may take to answer, in milliseconds. */
  askMs: number;
}

/** Requests to other nodes, each with its proof. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
  }

  /**
   * Connects to the node that has an agent, on behalf of a client or of the agent itself.
   *
   * @throws {UpgradeRefusedError} if the node does not let it in, with 404 if it has no such agent
   * @throws {Error} if it cannot be reached
   */
  open(node: string, request: LinkRequest): Promise<WebSocketConnection> {
    const { resumable } = request;
    const path = pathOf(request);
    const headers = { [PROOF_HEADER]: this.#options.proofs.make(node, path) };
    const protocols = [...resumable ? [RESUME_SUBPROTOCOL] : [], HALF_CLOSE_SUBPROTOCOL];
    const url = new URL(node.replace(/^http/, "ws").replace(/\/$/, "") + path);
    return connectWebSocket(url, { headers, protocols, timeout: this.#options.askMs });
  }

  /**
   * Asks another node for something.
   *
   * @param path below {@link PEER_PATH}
   * @throws {Error} if it does not answer with 200
   */
  async ask(node: string, path: string): Promise<string> {
    const { status, text } = await this.#get(node, PEER_PATH + path);
    if (status !== 200) throw new Error(`${node} answers ${status}: ${text.trim()}`);
    return text;
  }

  /**
   * What a node would answer to {@link PeerLinks.open}.
   *
   * @throws {Error} if it cannot be reached
   */
  peek(node: string, request: LinkRequest): Promise<{ status: number; text: string }> {
    return this.#get(node, pathOf(request));
  }

  async #get(node: string, full: string): Promise<{ status: number; text: string }> {
    const response = await fetch(node.replace(/\/$/, "") + full, {
      headers: { [PROOF_HEADER]: this.#options.proofs.make(node, full) },
      redirect: "error",
      signal: AbortSignal.timeout(this.#options.askMs),
    });
    const text = new TextDecoder().decode(await boundedBody(response.body, MAX_ANSWER));
    return { status: response.status, text };
  }
}
