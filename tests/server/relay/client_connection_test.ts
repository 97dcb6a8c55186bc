import assert from "node:assert/strict";
import { CloseCode } from "../../../lib/protocol/messages.ts";
import { startTestServer } from "../../support/server.ts";
import { pairUp, TestAgent, TestSocket, UpgradeRefused } from "../../support/test_socket.ts";

/** What the server says instead of upgrading. */
async function refused(url: string, headers?: Record<string, string>): Promise<UpgradeRefused> {
  try {
    await using _socket = await TestSocket.open(url, { headers });
  } catch (error) {
    if (error instanceof UpgradeRefused) return error;
    throw error;
  }
  assert.fail("it was upgraded");
}

Deno.test("an unknown ID: 404 before the upgrade, with one line of text", async () => {
  await using server = await startTestServer();
  const { status, body, headers } = await refused(`${server.ws}/client/job`);
  assert.equal(status, 404);
  assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(
    body,
    'no agent "job" is registered here: check the ID and that the job is running, ' +
      "or add ?wait=5m to the URL to wait for it\n",
  );
  await server.logged("client refused", { id: "job", label: "unknown-id" });
});

Deno.test("a bad ID: 400 with the rule", async () => {
  await using server = await startTestServer();
  for (const id of ["-job", "a%20b", "a/b", "%E4%B8%AD", "x".repeat(65), ""]) {
    for (const who of ["agent", "client"]) {
      const { status, body } = await refused(`${server.ws}/${who}/${id}`);
      assert.equal(status, 400, id);
      assert.match(body, /^invalid rendez-vous ID in the path: it must be 1 to 64 letters.*\n$/);
    }
  }
  assert.equal((await refused(`${server.ws}/agent/%FF`)).status, 400);
});

Deno.test("an ID may be written with percent signs", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job-1");
  const data = await agent.park();
  await using _client = await TestSocket.open(`${server.ws}/client/%6Aob%2D1`);
  assert.equal((await data.nextMessage()).type, "paired");
});

Deno.test("the agent is told where the client comes from", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  const data = await agent.park();
  await using _client = await TestSocket.open(`${server.ws}/client/job`, {
    headers: { "x-forwarded-for": "203.0.113.5" },
  });
  assert.deepEqual(await data.nextMessage(), {
    type: "paired",
    client: { key: 1, address: "127.0.0.1" },
  });
});

Deno.test("a client that comes before a connection is parked gets it then, what it sent included", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using client = await TestSocket.open(`${server.ws}/client/job`);
  client.send(new TextEncoder().encode("SSH-2.0-"));
  client.send(new TextEncoder().encode("test\r\n"));
  const data = await agent.park();
  assert.equal((await data.nextMessage()).type, "paired");
  assert.equal(new TextDecoder().decode(await data.bytes(14)), "SSH-2.0-test\r\n");
});

Deno.test("?wait= lets a client in when the agent appears, its end of file included", async () => {
  await using server = await startTestServer();
  await using client = await TestSocket.open(`${server.ws}/client/job?wait=5m`, {
    halfClose: true,
  });
  client.send(new Uint8Array([1, 2, 3]));
  client.send("eof");
  await server.logged("client waits", { id: "job" });
  await using agent = await TestAgent.register(server.ws, "job");
  const data = await agent.park();
  assert.equal((await data.nextMessage()).type, "paired");
  assert.deepEqual(await data.bytes(3), new Uint8Array([1, 2, 3]));
  assert.equal(await data.next(), "eof");
});

Deno.test("?wait= runs out with a code and a reason", async () => {
  await using server = await startTestServer({}, { timing: { sweepMs: 10 } });
  await using client = await TestSocket.open(`${server.ws}/client/job?wait=1ms`);
  assert.deepEqual(await client.closed, {
    code: CloseCode.waitExpired,
    reason: "the agent did not connect in time",
  });
});

Deno.test("?wait= that is no duration, or too long: 400", async () => {
  await using server = await startTestServer();
  for (const wait of ["5", "-1s", "25h", "x", ""]) {
    const { status, body } = await refused(`${server.ws}/client/job?wait=${wait}`);
    assert.equal(status, 400, wait);
    assert.match(body, /a duration such as 90s, 5m or 1h/);
  }
  assert.equal((await refused(`${server.ws}/client/job?wait=0s`)).status, 404);
});

Deno.test("a client that sends too much before the agent is there is closed", async () => {
  await using server = await startTestServer();
  for (const [size, count] of [[65_537, 1], [1, 257]] as const) {
    await using client = await TestSocket.open(`${server.ws}/client/job?wait=5m`);
    for (let i = 0; i < count; i++) client.send(new Uint8Array(size));
    const { code, reason } = await client.closed;
    assert.equal(code, CloseCode.policyViolation);
    assert.equal(reason, "too much data before the agent connected");
  }
});

Deno.test("too many clients of one agent: 503, and room again when one leaves", async () => {
  await using server = await startTestServer({ maxClientsPerAgent: 1 });
  await using agent = await TestAgent.register(server.ws, "job");
  {
    await using pair = await pairUp(agent);
    const { status, body, headers } = await refused(`${server.ws}/client/job`);
    assert.equal(status, 503);
    assert.equal(headers["retry-after"], "5");
    assert.match(body, /"job" already has 1 clients/);
    pair.client.close();
    await server.logged("client gone");
  }
  await using _pair = await pairUp(agent);
});

Deno.test("a page of another site cannot open a websocket, our own pages can", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  const url = `${server.ws}/client/job`;
  for (const origin of ["https://evil.example", "null", server.url.replace("http:", "ftp:x")]) {
    const { status, body } = await refused(url, { origin });
    assert.equal(status, 403, origin);
    assert.match(body, /page of another site/);
  }
  await agent.park();
  await using _client = await TestSocket.open(url, { headers: { origin: server.url } });
});

Deno.test("too many connections from one address: 503, by the forwarded address behind a proxy", async () => {
  await using server = await startTestServer({ maxConnectionsPerMinute: 1, trustProxy: true });
  const from = (address: string) =>
    refused(`${server.ws}/client/job`, { "x-forwarded-for": address });
  assert.equal((await from("192.0.2.1")).status, 404);
  const { status, body, headers } = await from("192.0.2.1");
  assert.equal(status, 503);
  assert.match(body, /more than 1 connections a minute from one address/);
  assert.equal(headers["retry-after"], "5");
  assert.equal((await from("192.0.2.2")).status, 404);
  await server.logged("client refused", { label: "too-many-connections", address: "192.0.2.1" });
});
