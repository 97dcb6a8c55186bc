/** Clients with `?wait=` whose agents arrive at other nodes, see {@link Arrivals}. */
import type { ClientConnection } from "../relay/client_connection.ts";
import type { DataConnection } from "../relay/data_connection.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import type { AgentDirectory } from "./directory.ts";
import type { NodeLink, NodeRoutes } from "./node_routes.ts";

/** How many clients that wait are connected to other nodes at a time. */
const MAX_CONNECTING = 16;

export interface ArrivalsOptions {
  directory: Pick<AgentDirectory, "find">;
  routes: NodeRoutes;
  rendezvous: Pick<Rendezvous<DataConnection, ClientConnection>, "stranded" | "leave">;
  join(client: ClientConnection, link: NodeLink): void;
}

/** Looks for the agents that clients here wait for, all at once. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  #looking = false;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** To be called every now and then while the directory can be asked; never rejects. */
  async look(): Promise<void> {
    const { rendezvous, directory, routes } = this.#options;
    const stranded = rendezvous.stranded();
    if (this.#looking || stranded.length === 0) return;
    this.#looking = true;
    try {
      const ids = [...new Set(stranded.map(({ id }) => id))];
      const found = await directory.find(ids);
      const there = new Set(ids.filter((_, i) => {
        const place = found[i];
        return typeof place === "object" && routes.isElsewhere(place);
      }));
      const arrived = stranded.filter(({ id }) => there.has(id));
      const next = async () => {
        for (let one = arrived.pop(); one !== undefined; one = arrived.pop()) {
          await this.#forward(one.id, one.client, one.until - Date.now());
        }
      };
      await Promise.all(Array.from({ length: MAX_CONNECTING }, next));
    } catch {
      // The directory is away; the next look comes soon.
    } finally {
      this.#looking = false;
    }
  }

  /** Connects a client that has waited here to the node where its agent has arrived. */
  async #forward(id: string, client: ClientConnection, leftMs: number): Promise<void> {
    if (leftMs <= 0) return;
    const { routes, rendezvous, join } = this.#options;
    const { address, resumable } = client;
    const link = await routes.reach({ who: "client", id, address, waitMs: leftMs, resumable });
    if (link === undefined || "label" in link) return;
    const isWaiting = rendezvous.stranded().some((waiting) => waiting.client === client);
    if (!isWaiting) return link.peer.close(1000, "");
    rendezvous.leave(id, client);
    join(client, link);
  }
}
