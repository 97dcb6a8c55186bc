import { type Agent, clientInfo } from "./agents.ts";
import type { Client, Counts, Link, Pairing, ServerEvent } from "./types.ts";

export interface PairsOptions<Data, C> {
  /** Starts to copy between an agent's data connection and a client. */
  link(data: Data, client: C, pairing: Pairing): Link;
  observe(event: ServerEvent): void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The pairs of a server that is shutting down. */
export interface Draining {
  /** Resolves when those that can go on elsewhere have ended here. */
  moved: Promise<void>;
  /** Resolves when the others have ended. */
  rest: Promise<void>;
}

/** All pairs, those whose agent is gone included. */
export class Pairs<Data, C extends Client> {
  readonly #options: PairsOptions<Data, C>;
  readonly #links = new Set<Link>();
  #nextKey = 1;

  constructor(options: PairsOptions<Data, C>) {
    this.#options = options;
  }

  /** Pairs a client that has waited since `since`, in milliseconds since the epoch. */
  add(agent: Agent<Data>, data: Data, client: C, since: number): void {
    const { link: start, observe, now } = this.#options;
    const key = this.#nextKey++;
    const link = start(data, client, { key, contestedAt: agent.contestedAt });
    const pairedAt = now();
    const pair = { key, since: pairedAt, address: client.address, link };
    agent.pairs.add(pair);
    this.#links.add(link);
    const waitedMs = pairedAt - since;
    observe({ type: "paired", id: agent.id, client: clientInfo(pair), waitedMs });
    link.done.then((end) => {
      agent.pairs.delete(pair);
      this.#links.delete(link);
      const durationMs = now() - pairedAt;
      observe({ type: "unpaired", id: agent.id, client: clientInfo(pair), end, durationMs });
    });
  }

  /** How many there are, and what they have copied. */
  counts(): Pick<Counts, "pairs" | "resumable" | "toAgent" | "toClient"> {
    const counts = { pairs: this.#links.size, resumable: 0, toAgent: 0, toClient: 0 };
    for (const { toAgent, toClient, resumable } of this.#links) {
      if (resumable) counts.resumable++;
      counts.toAgent += toAgent;
      counts.toClient += toClient;
    }
    return counts;
  }

  /** Tells all that the server is shutting down. */
  drain(): Draining {
    const links = [...this.#links];
    for (const link of links) link.drain();
    const ended = async (resumable: boolean) => {
      await Promise.all(
        links.filter((link) => link.resumable === resumable).map(({ done }) => done),
      );
    };
    return { moved: ended(true), rest: ended(false) };
  }

  closeAll(code: number, reason: string): void {
    for (const link of this.#links) link.close(code, reason);
  }
}
