import assert from "node:assert/strict";
import {
  type EndedAgent,
  readRecords,
  recordPath,
  type RunningAgent,
  writeRecord,
} from "../../../lib/agent/control/record.ts";
import { type AgentEnd, type AgentStatus, ask } from "../../../lib/agent/control/request.ts";
import { findAgent } from "../../../lib/agent/control/find_agent.ts";
import { LocalControl } from "../../../lib/agent/control/local_control.ts";
import { createLog } from "../../../lib/log/log.ts";
import { TempDir } from "../../support/program.ts";

const STATUS: AgentStatus = {
  id: "job-1",
  pid: Deno.pid,
  deadline: 0,
  expiry: 0,
  held: false,
  mode: "background",
  sessions: 0,
  shells: 0,
  ending: false,
};
const END = { reason: "stopped", status: 3 } as const;
const ENDED = { id: STATUS.id, ended: END };

/** An agent's ear in a directory of its own, and what it was asked. */
async function setUp(dir: TempDir) {
  const asked: unknown[] = [];
  const log = new Set<(text: string) => void>();
  const control = await LocalControl.start({
    dir: dir.path,
    log: createLog({ write: () => {} }),
    status: () => Promise.resolve(STATUS),
    follow: (listener) => {
      log.add(listener);
      return () => log.delete(listener);
    },
    release: () => asked.push("release"),
    end: (reason, status) => {
      asked.push([reason, status]);
      control.finish({ id: STATUS.id, ended: { reason, status } }, true);
    },
  });
  const [[path, agent]] = await readRecords(dir.path) as [[string, RunningAgent]];
  return { control, asked, path, agent, log };
}

/** Sends something and reads what comes back until the end. */
async function talk(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  // A client that is cut off while it writes has been refused too.
  await connection.write(new TextEncoder().encode(text)).catch(() => {});
  return await new Response(connection.readable).text().catch(() => "");
}

Deno.test("LocalControl answers who shows the token", async () => {
  await using dir = new TempDir();
  const { control, asked, agent } = await setUp(dir);
  assert.deepEqual(await ask(agent, { command: "status" }), STATUS);
  assert.deepEqual(await ask(agent, { command: "release" }), STATUS);
  assert.deepEqual(asked, ["release"]);
  await control.finish(ENDED, false);
  assert.deepEqual(await readRecords(dir.path), []);
  await assert.rejects(ask(agent, { command: "status" }), Deno.errors.ConnectionRefused);
});

Deno.test("LocalControl keeps its file for its own user", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using dir = new TempDir();
  const { control, path } = await setUp(dir);
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
  assert.equal(Deno.statSync(`${dir.path}/.converge`).mode! & 0o777, 0o700);
  await control.finish(ENDED, false);
});

Deno.test("LocalControl is not disturbed by requests without the token, or garbage", async () => {
  await using dir = new TempDir();
  const { control, asked, agent } = await setUp(dir);
  const end = { command: "end", reason: "stopped", status: 1 };
  const shorter = agent.token.slice(1);
  for (
    const text of [
      ...["\n", "{\n", "null\n", "[]\n", "\0\xff\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
      ...[{}, { token: "" }, { token: [agent.token] }, { token: shorter }].map((token) =>
        `${JSON.stringify({ ...end, ...token })}\n`
      ),
      "x".repeat(1 << 20),
    ]
  ) {
    assert.equal(await talk(agent.port, text), "");
  }
  assert.deepEqual(asked, []);
  const show = (request: unknown) => talk(agent.port, `${JSON.stringify(request)}\n`);
  const { token } = agent;
  assert.match(await show({ token, command: "dance" }), /"error":".*another version/);
  for (const status of [-1, 256, 1.5, "1", null]) {
    assert.match(
      await show({ ...end, token, status }),
      /"error":"the exit status is not from 0 to 255"/,
    );
  }
  const long = (length: number) => {
    const request = JSON.stringify({ token, command: "status" });
    return talk(agent.port, `${" ".repeat(length - 1 - request.length)}${request}\n`);
  };
  assert.match(await long(1_000), /"id":"job-1"/);
  assert.equal(await long(2_000), "", "a request has 1,024 bytes at most");
  assert.deepEqual(asked, []);
  assert.deepEqual(await ask(agent, { command: "status" }), STATUS);
  await control.finish(ENDED, false);
});

Deno.test("LocalControl does not run out when many connect and say nothing", async () => {
  await using dir = new TempDir();
  const { control, agent } = await setUp(dir);
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: agent.port });
  const silent = await Promise.all(Array.from({ length: 64 }, connect));
  let isFirstClosed = false;
  void silent[0]!.read(new Uint8Array(1)).catch(() => {}).then(() => isFirstClosed = true);
  assert.equal(await talk(agent.port, ""), "");
  assert.equal(isFirstClosed, false, "one too many is turned away before the silent ones are");
  for (const connection of silent) connection.close();
  let status: AgentStatus | undefined;
  while (!status) {
    status = await ask<AgentStatus>(agent, { command: "status" }).catch(() => undefined);
  }
  assert.deepEqual(status, STATUS);
  await control.finish(ENDED, false);
});

Deno.test("LocalControl tells those who wait, and leaves word for who comes later", async () => {
  await using dir = new TempDir();
  const { control, asked, agent } = await setUp(dir);
  const waiting = [1, 2].map(() => ask<AgentEnd>(agent, { command: "wait" }));
  const impatient = new AbortController();
  const gone = ask(agent, { command: "wait" }, { signal: impatient.signal });
  impatient.abort();
  await assert.rejects(gone);
  // One request is answered before the next is asked, so that the two above have been heard.
  await ask(agent, { command: "status" });
  const end = await ask<AgentEnd>(agent, { command: "end", ...END });
  assert.deepEqual(end, ENDED);
  assert.deepEqual(await Promise.all(waiting), [end, end]);
  assert.deepEqual(asked, [["stopped", 3]]);
  const found = await findAgent({ dir: dir.path });
  assert.deepEqual(found, {
    path: recordPath(dir.path, Deno.pid),
    left: { pid: Deno.pid, ...end },
  });
  void control;
});

Deno.test("LocalControl passes the log on to those who wait, whole and in order", async () => {
  await using dir = new TempDir();
  const { control, agent, log } = await setUp(dir);
  let seen = "";
  const first = Promise.withResolvers<void>();
  const onLog = (text: string) => {
    seen += text;
    first.resolve();
  };
  const waiting = ask<AgentEnd>(agent, { command: "wait" }, { onLog });
  while (log.size === 0) await ask(agent, { command: "status" });
  for (const listener of log) listener("one\n");
  await first.promise;
  const blocks = Array.from({ length: 100 }, (_, i) => `\u{1f600} ${i}\n${"\n".repeat(i)}`);
  for (const block of blocks) for (const listener of log) listener(block);
  for (const listener of log) listener("\u0001".repeat(1 << 20));
  await control.finish(ENDED, false);
  assert.deepEqual((await waiting).ended, END);
  assert.equal(seen.replaceAll("\u0001", ""), "one\n" + blocks.join(""));
  assert.equal(log.size, 0);
});

Deno.test("LocalControl does not wait for one who waits and does not read", async () => {
  await using dir = new TempDir();
  const { control, agent, log } = await setUp(dir);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: agent.port });
  const request = JSON.stringify({ token: agent.token, command: "wait" });
  await connection.write(new TextEncoder().encode(`${request}\n`));
  while (log.size === 0) await ask(agent, { command: "status" });
  for (let i = 0; i < 5_000; i++) for (const listener of log) listener("x".repeat(8_000));
  await control.finish(ENDED, false);
});

Deno.test("LocalControl removes what agents of before have left", async () => {
  await using dir = new TempDir();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await writeRecord(dir.path, { pid: 1, port, token: "of one that was killed" });
  await writeRecord(dir.path, { pid: 2, id: "old", ended: END });
  dir.write(".converge/agent-3.json", "half a fi");
  const { control, path } = await setUp(dir);
  assert.deepEqual((await readRecords(dir.path)).map(([path]) => path), [path]);
  await control.finish(ENDED, false);
});

Deno.test("findAgent() names the directory and what to do without one", async () => {
  await using dir = new TempDir();
  const message =
    /^cannot find an agent in ".*": none was started there; change to .* or set CONVERGE_DIR/;
  await assert.rejects(findAgent({ dir: dir.path }), { message });
  const path = dir.write(".converge", "no directory");
  await assert.rejects(findAgent({ dir: dir.path }), { message });
  Deno.removeSync(path);
  Deno.symlinkSync(path, path);
  await assert.rejects(findAgent({ dir: dir.path }), {
    message: /^cannot look for an agent in ".*\.converge": it is a symbolic link; remove it$/,
  });
});

Deno.test("findAgent() takes the running agent before those that have ended, else asks", async () => {
  await using dir = new TempDir();
  const { control, path } = await setUp(dir);
  const left = (id: string, pid: number): EndedAgent => ({ pid, id, ended: END });
  await writeRecord(dir.path, left("old-1", 1));
  await writeRecord(dir.path, left("old-2", 2));
  const find = async (choice: { id?: string; preferredId?: string }) =>
    (await findAgent({ dir: dir.path, ...choice })).path;
  assert.equal(await find({}), path);
  assert.equal(await find({ preferredId: "old-1" }), path);
  assert.equal(await find({ id: "old-1" }), recordPath(dir.path, 1));
  await assert.rejects(find({ id: "none" }), { message: /cannot find the agent none in/ });
  await control.finish(ENDED, false);
  await assert.rejects(find({}), { message: /there are old-1, old-2; name one with --id/ });
  assert.equal(await find({ preferredId: "old-2" }), recordPath(dir.path, 2));
});
