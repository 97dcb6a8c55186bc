import type { Counts } from "../rendezvous/types.ts";

/** How much the server carries right now. */
export interface ServerLoad extends Counts {
  /** Open websockets. */
  connections: number;
  /** About how many bytes wait for receivers to take them. */
  buffered: number;
  /** At how many of these the receivers that are sent more are closed. */
  bufferLimit: number;
}
