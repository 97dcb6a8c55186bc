/**
 * What computes on the connections' one thread does it in turns, so that a shell answers while
 * others copy files: after each packet {@link isTurnOver} tells whether to wait for {@link
 * nextTurn}.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** How long all connections together compute in one turn of the event loop, in milliseconds. */
const TURN_MS = 2;

/** When the turn that is under way began. */
let began: number | undefined;

/** Whether the connections have computed long enough in this turn of the event loop. */
export function isTurnOver(): boolean {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    setImmediate(() => began = undefined);
  }
  return now - began > TURN_MS;
}

/** Resolves once what has come in meanwhile was looked at. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
