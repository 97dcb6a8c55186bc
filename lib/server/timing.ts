import { HELLO_TIMEOUT_MS } from "../protocol/messages.ts";

/** Intervals and time limits of the server, in milliseconds. */
export interface Timing {
  /** How often waiting clients and lost agents are checked. */
  sweepMs: number;
  /** A peer that is silent for half of this is pinged and has the other half to answer. */
  idleMs: number;
  /** The first message on an agent's connection must arrive within this. */
  helloMs: number;
  /**
   * How long streams that can go on at the next server have to find it when this one ends. Later
   * they find it too, but see a pause: it may be waiting for this one to end.
   */
  moveMs: number;
  /** How long peers have to answer the last close frame and to take the last response. */
  lastCloseMs: number;
}

/** What {@link Timing} is by default. */
export const TIMING: Timing = {
  sweepMs: 1_000,
  idleMs: 30_000,
  helloMs: HELLO_TIMEOUT_MS,
  moveMs: 5_000,
  lastCloseMs: 1_000,
};
