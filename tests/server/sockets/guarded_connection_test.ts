import { equal } from "node:assert/strict";
import {
  GuardedConnection,
  type GuardedSocket,
} from "../../../lib/server/sockets/guarded_connection.ts";
import type { OwnSocket } from "../../../lib/server/sockets/own_sockets.ts";

const PEER = "192.0.2.1:1";

function socket(fields: Partial<OwnSocket> = {}): OwnSocket {
  return { fd: 9, peer: PEER, received: 0, unread: 0, acknowledged: 0, sending: false, ...fields };
}

function websocket(fields: Partial<GuardedSocket> = {}): GuardedSocket {
  const closed = new Promise<void>(() => {});
  return {
    delivered: 0,
    maxMessage: 1000,
    paired: false,
    closing: false,
    closed,
    drop: () => {},
    ...fields,
  };
}

/** A connection that was first seen at 1 s, in pass 1. */
function connect(fields: Partial<OwnSocket> = {}): GuardedConnection {
  const connection = new GuardedConnection(0, 1_000);
  connection.see(socket(fields), 1, 1_000);
  return connection;
}

Deno.test("GuardedConnection gives a connection 15 s for its first request", () => {
  const connection = connect();
  equal(connection.judge(15_999), undefined);
  equal(connection.judge(16_000)?.label, "no-request");
  connection.asked();
  equal(connection.judge(1_000_000), undefined);
});

Deno.test("GuardedConnection gives a connection three minutes between two requests", () => {
  const connection = connect();
  connection.asked();
  connection.asked();
  connection.answered(5_000);
  equal(connection.judge(1_000_000), undefined);
  connection.answered(20_000);
  equal(connection.judge(199_999), undefined);
  equal(connection.judge(200_000)?.label, "no-request");
});

Deno.test("GuardedConnection wants 16 KiB a minute of a response to be taken", () => {
  const connection = connect({ sending: true });
  connection.asked();
  equal(connection.judge(60_999), undefined);
  equal(connection.judge(61_000)?.reason, "the peer took nothing of what it was sent");
  connection.see(socket({ sending: true, acknowledged: 16 * 1024 - 1 }), 2, 50_000);
  equal(connection.judge(61_000)?.label, "takes-nothing");
  connection.see(socket({ sending: true, acknowledged: 16 * 1024 }), 3, 50_000);
  equal(connection.judge(109_999), undefined);
  connection.see(socket({ sending: true, acknowledged: 32 * 1024 - 1 }), 4, 100_000);
  equal(connection.judge(110_000)?.label, "takes-nothing");
  connection.see(socket({ acknowledged: 32 * 1024 - 1 }), 5, 105_000);
  equal(connection.judge(110_000), undefined, "nothing waits for the peer");
});

Deno.test("GuardedConnection gives a websocket that is being closed ten minutes", () => {
  const connection = connect();
  connection.websocket = websocket();
  connection.see(socket({ sending: true }), 2, 2_000);
  equal(connection.judge(1_000_000), undefined, "an open websocket has all the time");
  connection.websocket = websocket({ closing: true });
  const see = (pass: number, now: number) =>
    connection.see(socket({ sending: true, acknowledged: pass * 2 ** 20 }), pass, now);
  see(3, 5_000);
  equal(connection.judge(64_999), undefined);
  equal(connection.judge(65_000)?.label, "takes-nothing");
  see(4, 600_000);
  equal(connection.judge(604_999), undefined);
  equal(connection.judge(605_000)?.reason, "the peer took too long until the close");
});

Deno.test("GuardedConnection counts what a message that is not complete may hold", () => {
  const connection = connect({ received: 500 });
  equal(connection.incomplete, 500);
  const fields = { delivered: 0 };
  connection.websocket = Object.assign(websocket(), fields);
  const see = (received: number, delivered: number, pass: number) => {
    Object.assign(connection.websocket!, { delivered });
    connection.see(socket({ received }), pass, 1_000);
    return connection.incomplete;
  };
  equal(see(1_000, 0, 2), 1_000);
  equal(connection.judge(1_000), undefined);
  equal(see(1_001, 0, 3), 1_001);
  equal(connection.judge(1_000)?.reason, "a message of more than 1.0 kB");
  equal(see(1_901, 600, 4), 300, "of 900 that came at most 300 are left");
  equal(see(2_001, 600, 5), 400);
  equal(see(2_101, 1_300, 6), 0, "more was delivered than came");
  equal(see(2_201, 1_350, 7), 50);
});

Deno.test("GuardedConnection counts the first of several connections of one peer, and ends all", () => {
  const connection = connect({ received: 100 });
  connection.see(socket({ received: 900 }), 1, 1_000);
  connection.see(socket({ received: 950 }), 1, 1_000);
  equal(connection.sockets.length, 3);
  equal(connection.incomplete, 100);
  connection.see(socket({ received: 300 }), 2, 2_000);
  equal(connection.sockets.length, 1);
  equal(connection.incomplete, 300);
  equal(connection.isOlderThan(socket({ received: 300 })), false);
  equal(connection.isOlderThan(socket({ received: 299 })), true);
});

Deno.test("GuardedConnection counts what a kernel has queued for who is not paired", () => {
  const judge = (fields: Partial<GuardedSocket>, unread: number) => {
    const connection = connect();
    connection.websocket = websocket(fields);
    connection.see(socket({ received: 400, unread }), 2, 2_000);
    return connection.judge(2_000)?.label;
  };
  equal(judge({}, 600), undefined);
  equal(judge({}, 601), "message-too-long");
  equal(judge({ paired: true }, 10_000_000), undefined);
  equal(judge({ closing: true }, 10_000_000), undefined);
});

Deno.test("GuardedConnection is the same while more comes than is read", () => {
  const connection = connect({ received: 900, unread: 100 });
  connection.websocket = websocket({ maxMessage: 100_000 });
  // More came between the two readings of the kernel that `received` is computed from.
  const next = socket({ received: 600, unread: 5_000 });
  equal(connection.isOlderThan(next), false);
  connection.see(next, 2, 2_000);
  equal(connection.incomplete, 900);
  connection.see(socket({ received: 2_000, unread: 5_000 }), 3, 3_000);
  equal(connection.incomplete, 2_000);
  equal(connection.isOlderThan(socket({ received: 500, unread: 200 })), true);
});
