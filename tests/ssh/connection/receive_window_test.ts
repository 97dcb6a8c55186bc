import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import {
  FixedWindow,
  ReceiveBudget,
  type ReceiveWindow,
} from "../../../lib/ssh/connection/receive_window.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A client's view of a window that it keeps full, with what was sent and is not read. */
class Sender {
  unread = 0;
  left: number;

  constructor(readonly incoming: ReceiveWindow) {
    this.left = incoming.size;
  }

  /** What may be unread at some time. */
  get granted(): number {
    return this.left + this.unread;
  }

  fill(): void {
    assert.ok(this.incoming.receive(this.left));
    this.unread += this.left;
    this.left = 0;
  }

  read(bytes: number): void {
    this.unread -= bytes;
    this.left += this.incoming.read(bytes);
  }
}

/** Of a client that answers at once. */
function newBudget(): ReceiveBudget {
  const budget = new ReceiveBudget(() => budget.answered());
  return budget;
}

Deno.test("one channel gets a window of 2 MiB if it uses it, and 16 KiB at first", () => {
  const sender = new Sender(newBudget().open());
  assert.equal(sender.granted, 16 * KIB);
  for (let round = 0; round < 20; round++) {
    sender.fill();
    sender.read(sender.unread);
  }
  assert.equal(sender.granted, 2 * MIB);
});

Deno.test("what few bytes are read of does not grow", () => {
  const sender = new Sender(newBudget().open());
  for (let key = 0; key < 1000; key++) {
    assert.ok(sender.incoming.receive(1));
    sender.left--;
    sender.unread++;
    sender.read(1);
  }
  assert.equal(sender.granted, 16 * KIB - 1000);
});

Deno.test("all channels together have 6 MiB, and 4 KiB each beyond; none is stuck", () => {
  const budget = newBudget();
  const senders: Sender[] = [];
  for (let round = 0; round < 20_000; round++) {
    if (senders.length < 1000 && randomInt(20) === 0) senders.push(new Sender(budget.open()));
    const sender = senders[randomInt(Math.max(1, senders.length))];
    if (!sender) continue;
    if (randomInt(2) === 0) sender.fill();
    if (sender.unread > 0) sender.read(randomInt(3) ? sender.unread : randomInt(sender.unread + 1));
    assert.ok(sender.granted >= 0);
    const granted = senders.reduce((sum, { granted }) => sum + granted, 0);
    assert.ok(granted <= 6 * MIB + senders.length * 4 * KIB, `${granted} of ${senders.length}`);
  }
  for (const sender of senders) {
    sender.fill();
    sender.read(sender.unread);
    assert.ok(sender.left >= 4 * KIB, `${sender.left}`);
  }
  for (const { incoming } of senders) incoming.close();
  assert.equal(budget.free, 6 * MIB);
});

Deno.test("many channels that send all the time get even windows", () => {
  const budget = newBudget();
  while (budget.free < 6 * MIB) {
    budget.holdBack();
    budget.receive(16 * KIB);
  }
  const senders = Array.from({ length: 30 }, () => new Sender(budget.open()));
  for (let round = 0; round < 200; round++) {
    for (const sender of senders) {
      sender.fill();
      sender.read(sender.unread);
    }
  }
  const windows = senders.map(({ granted }) => granted);
  assert.ok(Math.max(...windows) < 2.1 * Math.min(...windows), `${windows}`);
});

Deno.test("more than a window is not taken", () => {
  const window = newBudget().open();
  assert.equal(window.receive(window.size + 1), false);
  assert.equal(window.receive(window.size), true);
  assert.equal(window.receive(1), false);
});

Deno.test("with what waits on a slow link all windows shrink, and grow again without", () => {
  let now = 0;
  const budget = new ReceiveBudget(() => {}, () => now);
  const answer = (bytes: number, ms: number) => {
    budget.receive(bytes);
    now += ms;
    budget.answered();
  };
  budget.ask();
  answer(0, 200);
  const first = budget.free;
  for (let i = 0; i < 2; i++) {
    budget.receive(16 * KIB);
    answer(400_000, 1_000);
  }
  // 400 kB a second for the shortest time and a tenth of a second, twice.
  assert.equal(Math.round(budget.free), 2 * 400 * 300);
  assert.ok(budget.free < first);
  for (let i = 0; i < 8; i++) {
    budget.holdBack();
    // A whole window without a wait.
    budget.receive(16 * KIB);
    answer(3 * MIB, 200);
  }
  assert.equal(budget.free, 6 * MIB);
});

Deno.test("a window of one size is granted again once half of it was read", () => {
  const sender = new Sender(new FixedWindow(10));
  sender.fill();
  assert.equal(sender.incoming.receive(1), false);
  sender.read(4);
  assert.equal(sender.left, 0);
  sender.read(1);
  assert.equal(sender.left, 5);
  sender.fill();
  sender.read(10);
  assert.equal(sender.granted, 10);
});
