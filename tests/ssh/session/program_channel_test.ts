import { deepEqual, equal } from "node:assert/strict";
import type { ExitStatus, Process } from "../../../lib/process/process.ts";
import type { Channel, SshConnection } from "../../../lib/ssh/connection/handler.ts";
import { runOnChannel } from "../../../lib/ssh/session/program_channel.ts";

/** A program without output on a connection; what is kept of it is in `tracked`. */
function setUp() {
  const calls: string[] = [];
  const tracked: Promise<unknown>[] = [];
  const exited = Promise.withResolvers<ExitStatus>();
  const gone = Promise.withResolvers<void>();
  const ending = new AbortController();
  const nothing = { read: () => Promise.resolve(null) };
  const program = {
    ...{ pid: 1, stdout: nothing, exited: exited.promise, gone: gone.promise },
    endInput: () => Promise.resolve(),
    end() {
      calls.push("program ended");
      return Promise.resolve();
    },
  } as unknown as Process;
  const channel = {
    ...nothing,
    closed: new Promise(() => {}),
    request: (type: string) => calls.push(type),
    end: () => Promise.resolve(),
    close: () => calls.push("channel closed"),
  } as unknown as Channel;
  const connection = {
    signal: ending.signal,
    track: (work: Promise<unknown>) => tracked.push(work),
  } as unknown as SshConnection;
  const running = runOnChannel(program, channel, connection);
  return { calls, tracked, exited, gone, ending, running };
}

Deno.test("runProgram() lets a program go that has ended and left nothing behind", async () => {
  const { calls, tracked, exited, gone, ending, running } = setUp();
  exited.resolve({ code: 0 });
  gone.resolve();
  await running;
  await Promise.all(tracked);
  ending.abort();
  deepEqual(calls, ["exit-status", "channel closed"]);
  equal(tracked.length, 1);
});

Deno.test("runProgram() keeps what a program left behind until the connection ends", async () => {
  const { calls, tracked, exited, ending, running } = setUp();
  exited.resolve({ code: 0 });
  await running;
  deepEqual(calls, ["exit-status", "channel closed"]);
  ending.abort();
  await Promise.all(tracked);
  deepEqual(calls, ["exit-status", "channel closed", "program ended"]);
});
