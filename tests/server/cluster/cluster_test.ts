/** Nodes of a cluster in this process, with a real Redis between them. */
import assert from "node:assert/strict";
import { HALF_CLOSE_SUBPROTOCOL } from "../../../lib/protocol/messages.ts";
import {
  connectWebSocket,
  UpgradeRefusedError,
  type WebSocketConnection,
} from "../../../lib/wire/websocket/websocket.ts";
import { EchoAgent, NodeProgram, startNodes } from "../../support/cluster.ts";
import { eventually } from "../../support/deadline.ts";
import { requires } from "../../support/requires.ts";
import type { TestServer } from "../../support/server.ts";

const test = requires("redis-server");

function client(node: TestServer, id: string, query = ""): Promise<WebSocketConnection> {
  const protocols = [HALF_CLOSE_SUBPROTOCOL];
  return connectWebSocket(new URL(`${node.ws}/client/${id}${query}`), { protocols });
}

async function refused(node: TestServer, id: string): Promise<UpgradeRefusedError> {
  try {
    (await client(node, id)).close();
  } catch (error) {
    if (error instanceof UpgradeRefusedError) return error;
    throw error;
  }
  assert.fail("it was let in");
}

/** Waits for the echo of all that was sent. */
async function hear(connection: WebSocketConnection, words: string): Promise<void> {
  let heard = "";
  while (heard.length < words.length) {
    const message = await connection.receive();
    assert.ok(message instanceof Uint8Array);
    heard += new TextDecoder().decode(message);
  }
  assert.equal(heard, words);
}

async function say(connection: WebSocketConnection, words: string): Promise<void> {
  await connection.send(new TextEncoder().encode(words));
}

/** Sends words and waits for their echo. */
async function talk(connection: WebSocketConnection, words: string): Promise<void> {
  await say(connection, words);
  await hear(connection, words);
}

/** Connects, talks and disconnects. */
async function visit(node: TestServer, id: string): Promise<void> {
  const connection = await client(node, id);
  await talk(connection, `hello ${id}`);
  connection.close();
  await connection.closed;
}

test("a client reaches an agent at another node, and both ends of file arrive", async () => {
  await using cluster = await startNodes(2);
  const [a, b] = cluster.nodes as [TestServer, TestServer];
  await using agent = await EchoAgent.start(a.url, "job-1");
  assert.equal(agent.id, "job-1");
  const connection = await client(b, "job-1");
  await talk(connection, "hello");
  assert.deepEqual(agent.addresses, ["127.0.0.1"]);
  assert.equal(b.load().cluster!.links, 1);
  await connection.send("eof");
  assert.equal(await connection.receive(), null);
  await connection.closed;
});

test("messages of a byte go on across nodes, more of them than an agent has on its way", async () => {
  await using cluster = await startNodes(2);
  const [a, b] = cluster.nodes as [TestServer, TestServer];
  await using _agent = await EchoAgent.start(a.url, "job-1");
  const connection = await client(b, "job-1");
  for (let i = 0; i < 300; i++) await talk(connection, "x");
  connection.close();
  await connection.closed;
});

test("an ID is unique in the cluster, and comes back to its owner at any node", async () => {
  await using cluster = await startNodes(3);
  const [a, b, c] = cluster.nodes as [TestServer, TestServer, TestServer];
  await using first = await EchoAgent.start(a.url, "job-1");
  await using second = await EchoAgent.start(b.url, "job-1");
  assert.equal(first.id, "job-1");
  assert.notEqual(second.id, "job-1");
  await visit(c, second.id);
  await visit(c, "job-1");
});

test("an unknown ID is 404 at each node, with the reason", async () => {
  await using cluster = await startNodes(2);
  const { status, reason } = await refused(cluster.nodes[1]!, "nobody");
  assert.equal(status, 404);
  assert.match(reason, /no agent "nobody" is registered here/);
});

test("a client that waits at one node gets the agent that comes to another", async () => {
  await using cluster = await startNodes(2);
  const [a, b] = cluster.nodes as [TestServer, TestServer];
  const connection = await client(b, "later", "?wait=5m");
  await say(connection, "early ");
  await using agent = await EchoAgent.start(a.url, "later");
  await say(connection, "late");
  await hear(connection, "early late");
  assert.equal(agent.addresses.length, 1);
  connection.close();
  await connection.closed;
});

test("parked connections at another node than the agent's are brought there", async () => {
  await using cluster = await startNodes(2);
  const [a, b] = cluster.nodes as [TestServer, TestServer];
  await using agent = await EchoAgent.start(a.url, "job-1");
  const { resume } = agent.registrations[0]!;
  const parked = await connectWebSocket(new URL(`${b.ws}/agent/job-1`), {
    protocols: [HALF_CLOSE_SUBPROTOCOL],
  });
  await parked.send(JSON.stringify({ type: "park", protocol: 1, resume }));
  await eventually(() => a.load().parked === 3, () => `${a.load().parked} parked`);
  const clients = await Promise.all([1, 2, 3].map(() => client(a, "job-1")));
  const message = JSON.parse(await parked.receive() as string);
  assert.equal(message.type, "paired");
  assert.equal(message.client.address, "127.0.0.1");
  for (const connection of [parked, ...clients]) {
    connection.close();
    await connection.closed;
  }
});

test("each node shows the agents of all", async () => {
  await using cluster = await startNodes(2);
  const [a, b] = cluster.nodes as [TestServer, TestServer];
  await using first = await EchoAgent.start(a.url, "one");
  await using second = await EchoAgent.start(b.url, "two");
  for (const node of cluster.nodes) {
    await node.refresh();
    assert.deepEqual(node.snapshot().map(({ id }) => id).sort(), [first.id, second.id]);
    assert.equal(node.load().connected, 1);
  }
});

test("the sessions page says how many nodes do not answer", async () => {
  await using cluster = await startNodes(1);
  const [node] = cluster.nodes as [TestServer];
  await using other = await NodeProgram.start(cluster.redis);
  const sees = async (nodes: number, silent: number) => {
    await node.refresh();
    const load = node.load().cluster!;
    return load.nodes === nodes && load.silent === silent;
  };
  await eventually(() => sees(2, 0), () => "the node is not seen");
  other.program.kill("SIGKILL");
  await eventually(() => sees(2, 1), () => "the node is not missed");
});

test("only nodes may ask a node for its agents", async () => {
  await using cluster = await startNodes(1);
  const [node] = cluster.nodes as [TestServer];
  const response = await fetch(`${node.url}/peer/agents`);
  assert.equal(response.status, 403);
  assert.match(await response.text(), /no valid proof of a node/);
});
