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

/** Who waits for a turn, in order: whose connections are open, and strangers. */
const waiting: (() => void)[] = [];
const strangers: (() => void)[] = [];

/** Whether they are about to be called, or are being called. */
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
  return turnOf(waiting);
}

/** The same for who is new: behind all others, but for one in each turn. */
export function nextTurnOfStrangers(): Promise<void> {
  return turnOf(strangers);
}

function turnOf(queue: (() => void)[]): Promise<void> {
  return new Promise((resolve) => {
    queue.push(resolve);
    if (!isCalling) setImmediate(callWaiting);
    isCalling = true;
  });
}

async function callWaiting(): Promise<void> {
  for (const queue of [waiting, strangers]) {
    if (queue.length === 0) continue;
    do {
      queue.shift()!();
      // What it computes at once is done before this goes on.
      await Promise.resolve();
    } while (queue.length > 0 && !isTurnOver());
  }
  isCalling = waiting.length + strangers.length > 0;
  if (isCalling) setImmediate(callWaiting);
}
