/**
 * What computes on the connections' one thread does it in turns, so that a shell answers while
 * others copy files or log in: {@link isTurnOver} tells whether to wait for {@link nextTurn}.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** How long all connections together compute in one turn of the event loop, in milliseconds. */
const TURN_MS = 2;

/** When the turn that is under way began. */
let began: number | undefined;

/** Who waits for a turn, in order. */
const waiting: (() => void)[] = [];

/** Whether they are being called in this turn. */
let isCalling = false;

/** Whether the connections have computed long enough in this turn of the event loop. */
export function isTurnOver(): boolean {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    setImmediate(() => began = undefined);
  }
  return now - began > TURN_MS;
}

/**
 * Resolves once what has come in meanwhile was looked at. Those that wait are called one after the
 * other, as many as there is time for in a turn: a hundred at once would hold up what comes in.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1 && !isCalling) setImmediate(callWaiting);
  });
}

async function callWaiting(): Promise<void> {
  isCalling = true;
  do {
    waiting.shift()!();
    // What it computes at once is done before this goes on.
    await Promise.resolve();
  } while (waiting.length > 0 && !isTurnOver());
  isCalling = false;
  if (waiting.length > 0) setImmediate(callWaiting);
}
