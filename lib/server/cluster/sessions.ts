/** What the pages of one node show of the others. */
import type { AgentInfo } from "../rendezvous/types.ts";
import type { PeerLinks } from "./peer_links.ts";

/** How old what is shown may be before the nodes are asked again, in milliseconds. */
const MAX_AGE_MS = 500;

export interface ClusterSessionsOptions {
  peers: Pick<PeerLinks, "ask">;
  /** The addresses of the other nodes. */
  nodes(): string[];
}

/** The agents of the other nodes; those of a node that does not answer are missing. */
export class ClusterSessions {
  readonly #options: ClusterSessionsOptions;
  #byNode = new Map<string, AgentInfo[]>();
  #silent = 0;
  #asked = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(options: ClusterSessionsOptions) {
    this.#options = options;
  }

  get agents(): AgentInfo[] {
    return [...this.#byNode.values()].flat();
  }

  /** How many nodes did not answer when they were asked last. */
  get silent(): number {
    return this.#silent;
  }

  /** Asks all nodes, if it is not known well enough; never rejects. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#asked < MAX_AGE_MS) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
      this.#asked = performance.now();
    });
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const answers = new Map<string, AgentInfo[]>();
    const nodes = this.#options.nodes();
    await Promise.all(
      nodes.map(async (node) => {
        try {
          answers.set(node, JSON.parse(await this.#options.peers.ask(node, "/agents")));
        } catch {
          // It has ended, or will answer next time. Its agents come back at other nodes.
        }
      }),
    );
    this.#byNode = answers;
    this.#silent = nodes.length - answers.size;
  }
}
