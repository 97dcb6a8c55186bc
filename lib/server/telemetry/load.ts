import type { Counts } from "../rendezvous/types.ts";

/** How much the server carries. */
export interface ServerLoad extends Counts {
  /** Open websockets. */
  connections: number;
  /** About how many bytes wait for receivers to take them. */
  buffered: number;
  /** The limit of these; beyond it pairs are closed. */
  bufferLimit: number;
}
