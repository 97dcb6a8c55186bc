import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import {
  CloseCode,
  MAX_MESSAGE_LENGTH,
  PROTOCOL_VERSION,
  type RefusedMessage,
} from "../../../lib/protocol/messages.ts";
import { agentPath } from "../../../lib/protocol/urls.ts";
import { startTestServer } from "../../support/server.ts";
import {
  FACTS,
  pairUp,
  registerMessage,
  TestAgent,
  TestSocket,
  type UpgradeRefused,
} from "../../support/test_socket.ts";

/** Sends `hello` first and expects to be turned down. */
async function refusal(
  base: string,
  hello: string | Uint8Array | object,
): Promise<RefusedMessage & { code: number }> {
  await using socket = await TestSocket.open(`${base}/agent/job`);
  socket.send(hello);
  const message = await socket.nextMessage<RefusedMessage>();
  const { code, reason } = await socket.closed;
  assert.equal(message.type, "refused");
  assert.ok(message.reason.startsWith(reason.replace(/…$/, "")));
  return { ...message, code };
}

Deno.test("an agent learns its ID, its secret, the user name and how many to park", async () => {
  await using server = await startTestServer({ username: "ci" });
  await using agent = await TestAgent.register(server.ws, "job");
  const { id, username, parked, protocol, password, resume } = agent.registered;
  assert.deepEqual(
    { id, username, parked, protocol, password },
    { id: "job", username: "ci", parked: 2, protocol: PROTOCOL_VERSION, password: undefined },
  );
  assert.match(resume, /^[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(server.snapshot()[0]!.facts, FACTS);
});

Deno.test("an agent gets a verifier of the password, never the password", async () => {
  await using server = await startTestServer({ password: "open sesame" });
  await using agent = await TestAgent.register(server.ws, "job");
  const { salt, hash, ...cost } = agent.registered.password!;
  assert.deepEqual(cost, { N: 16_384, r: 8, p: 1 });
  const expected = scryptSync("open sesame", Uint8Array.fromBase64(salt), 32, cost);
  assert.equal(hash, expected.toString("base64"));
  assert.ok(!JSON.stringify([agent.registered, server.lines]).includes("sesame"));
  await using other = await startTestServer({ password: "open sesame" });
  await using otherAgent = await TestAgent.register(other.ws, "job");
  assert.notEqual(otherAgent.registered.password!.salt, salt);
});

Deno.test("an ID in use: the agent gets a random one and both work", async () => {
  await using server = await startTestServer();
  await using first = await TestAgent.register(server.ws, "job");
  await using second = await TestAgent.register(server.ws, "job");
  assert.equal(first.id, "job");
  assert.match(second.id, /^[a-z2-9]{16}$/);
  await using _one = await pairUp(first);
  await using _two = await pairUp(second);
  const line = await server.logged("agent registered", { id: second.id });
  assert.equal(line.asked, "job");
});

Deno.test("the secret gets the ID back while the pair lives on", async () => {
  await using server = await startTestServer();
  await using before = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(before);
  const { resume } = before.registered;
  await using after = await TestAgent.register(server.ws, "job", { resume });
  assert.equal(after.id, "job");
  assert.equal((await before.control.closed).code, CloseCode.replaced);
  pair.client.send(new Uint8Array(4));
  assert.equal((await pair.data.bytes(4)).length, 4);
  await using _another = await pairUp(after);
});

Deno.test("a lost agent's ID stays its own and its clients are asked to come again", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  agent.control.socket.terminate();
  await server.logged("agent lost");
  await assert.rejects(TestSocket.open(`${server.ws}/client/job`), (error: UpgradeRefused) => {
    assert.equal(error.status, 503);
    assert.match(error.body, /has lost its connection/);
    assert.equal(error.headers["retry-after"], "5");
    return true;
  });
  await using thief = await TestAgent.register(server.ws, "job");
  assert.notEqual(thief.id, "job");
  const { resume } = agent.registered;
  await using back = await TestAgent.register(server.ws, "job", { resume });
  assert.equal(back.id, "job");
});

Deno.test("an agent that says goodbye frees its ID", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  agent.control.close(1000);
  await server.logged("agent gone");
  await using next = await TestAgent.register(server.ws, "job");
  assert.equal(next.id, "job");
});

Deno.test("after a restart of the server an agent is back under its ID", async () => {
  const agents = new AsyncDisposableStack();
  await using _agents = agents;
  let resume: string;
  {
    await using server = await startTestServer();
    const agent = agents.use(await TestAgent.register(server.ws, "job"));
    resume = agent.registered.resume;
  }
  await using server = await startTestServer();
  const back = agents.use(await TestAgent.register(server.ws, "job", { resume }));
  assert.equal(back.id, "job");
  const second = agents.use(await TestAgent.register(server.ws, "job"));
  assert.notEqual(second.id, "job");
});

Deno.test("another protocol version is refused with which side to update", async () => {
  await using server = await startTestServer();
  const old = await refusal(server.ws, { type: "register", protocol: 0 });
  assert.match(old.reason, /download the agent again/);
  assert.equal(old.code, CloseCode.policyViolation);
  const young = await refusal(server.ws, { type: "hello", protocol: 99 });
  assert.match(young.reason, /update the server/);
  assert.equal(young.retry, false);
});

Deno.test("an agent must show the token, if there is one", async () => {
  await using server = await startTestServer({ agentToken: "s3cret" });
  const without = await refusal(server.ws, registerMessage());
  assert.match(without.reason, /requires a token.*--token-file/);
  const wrong = await refusal(server.ws, registerMessage({ token: "s3cret2" }));
  assert.match(wrong.reason, /wrong token/);
  assert.equal(wrong.retry, false);
  assert.equal(wrong.code, CloseCode.policyViolation);
  await using agent = await TestAgent.register(server.ws, "job", { token: "s3cret" });
  assert.equal(agent.id, "job");
  assert.ok(!JSON.stringify(server.lines).includes("s3cret"));
});

Deno.test("first messages that are none are refused", async () => {
  await using server = await startTestServer();
  const reasons: [string | Uint8Array | object, RegExp][] = [
    ["not json", /not JSON/],
    ["null", /type register or park/],
    [new Uint8Array(3), /text frame/],
    [{ type: "status", clients: [] }, /type register or park/],
    [{ type: "register", protocol: PROTOCOL_VERSION }, /"version"/],
    [registerMessage({ facts: null }), /"facts"/],
    [registerMessage({ token: 5 }), /"token"/],
    [registerMessage({ token: "x".repeat(MAX_MESSAGE_LENGTH) }), /too long/],
  ];
  for (const [hello, expected] of reasons) {
    const { reason, retry } = await refusal(server.ws, hello);
    assert.match(reason, expected);
    assert.equal(retry, false);
  }
  assert.deepEqual(server.snapshot(), []);
});

Deno.test("a first message that is too long is refused", async () => {
  await using server = await startTestServer();
  await using socket = await TestSocket.open(`${server.ws}/agent/job`);
  socket.send("x".repeat(2 ** 17));
  const { code, reason } = await socket.closed;
  assert.equal(code, CloseCode.policyViolation);
  assert.match(reason, /too long/);
});

Deno.test("a data connection needs the secret of its agent", async () => {
  await using server = await startTestServer();
  await using _agent = await TestAgent.register(server.ws, "job");
  const resume = "A".repeat(43);
  const { reason, retry } = await refusal(server.ws, { type: "park", protocol: 1, resume });
  assert.match(reason, /no agent "job" with this secret/);
  assert.equal(retry, true);
});

Deno.test("a parked connection that talks is closed", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  const data = await agent.park();
  data.send(new Uint8Array(1));
  assert.equal((await data.closed).code, CloseCode.policyViolation);
});

Deno.test("what an agent reports is kept, in bounds", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job", {
    version: "9".repeat(1_000),
    facts: { host: "h".repeat(1_000), user: 7, os: "linux", shell: null, more: "x" },
  });
  const [info] = server.snapshot();
  assert.equal(info!.version.length, 100);
  assert.deepEqual(info!.facts, { host: "h".repeat(100), user: "", os: "linux", shell: "" });
  const busy = { key: 1, sessions: Array(101).fill("shell") };
  const many = [busy, ...Array(100).fill({ key: 2, sessions: [] })];
  agent.control.send({ type: "status", clients: many });
  await agent.control.settled();
  const { clients } = server.snapshot()[0]!.status!;
  assert.deepEqual([clients.length, clients[0]!.sessions.length], [100, 100]);
  const away = { since: 1, away: 2, address: "192.0.2.1" };
  const absurd = { since: "1", away: null, address: {} };
  const told = [away, absurd].map((more) => ({ key: 4, sessions: [], ...more }));
  const reported = [{ key: 3, sessions: ["sftp"] }, 5, ...told];
  agent.control.send({ type: "status", deadline: 7, clients: reported });
  await agent.control.settled();
  assert.deepEqual(server.snapshot()[0]!.status, {
    deadline: 7,
    activity: undefined,
    clients: [
      { key: 3, sessions: ["sftp"] },
      { key: NaN, sessions: [] },
      { key: 4, sessions: [], ...away },
      { key: 4, sessions: [] },
    ],
  });
});

Deno.test("an invalid report ends the control connection", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  agent.control.send({ type: "status", clients: 5 });
  const { code, reason } = await agent.control.closed;
  assert.equal(code, CloseCode.policyViolation);
  assert.match(reason, /"clients"/);
});

Deno.test("a name from an agent cannot forge a log line", async () => {
  await using server = await startTestServer();
  await using _agent = await TestAgent.register(server.ws, "job", {
    facts: { ...FACTS, host: "x\nagent registered id=evil" },
  });
  assert.equal(server.lines.filter(({ event }) => event === "agent registered").length, 1);
});

Deno.test("too many agents: 503 before the upgrade", async () => {
  await using server = await startTestServer({ maxAgents: 1 });
  await using _agent = await TestAgent.register(server.ws, "job");
  await assert.rejects(
    TestSocket.open(`${server.ws}/${agentPath("other")}`),
    (error: UpgradeRefused) => error.status === 503 && /already has 1 agents/.test(error.body),
  );
});

Deno.test("an agent's connection that says nothing is closed", async () => {
  await using server = await startTestServer({}, { timing: { helloMs: 10 } });
  await using socket = await TestSocket.open(`${server.ws}/agent/job`);
  const { reason } = await socket.nextMessage<RefusedMessage>();
  assert.equal(reason, "no first message in time");
  assert.equal((await socket.closed).code, CloseCode.policyViolation);
});

Deno.test("too many registrations from one address: refused, to be tried again", async () => {
  await using server = await startTestServer({ maxRegistrationsPerMinute: 1 });
  await using _agent = await TestAgent.register(server.ws, "job");
  const { reason, retry } = await refusal(server.ws, registerMessage());
  assert.equal(retry, true);
  assert.match(reason, /more than 1 registrations a minute from one address/);
  await server.logged("agent refused", { label: "too-many-registrations" });
});

Deno.test("an address with many wrong tokens is locked out, whatever token comes next", async () => {
  await using server = await startTestServer({ agentToken: "s3cret" });
  const guess = () => refusal(server.ws, registerMessage({ token: "wrong" }));
  await Promise.all(Array.from({ length: 40 }, guess));
  const { reason, retry } = await refusal(server.ws, registerMessage({ token: "s3cret" }));
  assert.match(reason, /too many wrong tokens: try again in \d+ seconds/);
  assert.equal(retry, true);
});

Deno.test("too many connections of one address that say nothing: more are refused", async () => {
  await using server = await startTestServer();
  await using stack = new AsyncDisposableStack();
  for (let i = 0; i < 500; i++) stack.use(await TestSocket.open(`${server.ws}/agent/job`));
  await using socket = await TestSocket.open(`${server.ws}/agent/job`);
  const { type, retry } = await socket.nextMessage<RefusedMessage>();
  assert.deepEqual([type, retry], ["refused", true]);
  await server.logged("agent refused", { label: "too-many-unregistered" });
});
