import type { Counts } from "../rendezvous/types.ts";

/** How much the server carries. */
export interface ServerLoad extends Counts {
  /** Open websockets. */
  connections: number;
  /** About how many bytes wait for receivers to take them. */
  buffered: number;
  /** The limit of these; beyond it pairs are closed. */
  bufferLimit: number;
  /** Of a node of a cluster. */
  cluster?: ClusterLoad;
}

/** How much of a cluster a node carries. */
export interface ClusterLoad {
  /** Whether the directory can be asked. */
  connected: boolean;
  /** The nodes that have been there lately, itself included. */
  nodes: number;
  /** IDs that this node answers for. */
  leases: number;
  /** Clients, and connections of agents, that it brings to other nodes. */
  links: number;
  /** Nodes that did not answer when they were asked for their agents last. */
  silent: number;
}
