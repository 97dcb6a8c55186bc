import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { Client } from "ssh2";
import {
  JumpHost,
  type JumpHostDependencies,
  type JumpHostOptions,
} from "../../lib/jump/jump_host.ts";
import type { OpenClient } from "../../lib/jump/jump_connection.ts";
import { createLog } from "../../lib/log/log.ts";
import { generateHostKey } from "../../lib/ssh/keys/host_key.ts";
import { parseIpRange } from "../../lib/text/ip_address.ts";
import type { MessageSocket } from "../../lib/wire/message_socket.ts";

const HOST = "127.0.0.1";

function start(
  openClient: OpenClient,
  options: Partial<JumpHostOptions> = {},
  admitAddress: JumpHostDependencies["admitAddress"] = () => undefined,
): JumpHost {
  return new JumpHost(
    { host: HOST, port: 0, hostKey: generateHostKey(), ...options },
    { log: createLog({ write: () => {} }), admitAddress, openClient },
  );
}

/** Admits everybody, and keeps the sockets. */
function admitAll(): { openClient: OpenClient; sockets: MessageSocket[] } {
  const sockets: MessageSocket[] = [];
  return { sockets, openClient: (_request, open) => void sockets.push(open()) };
}

async function connect(jump: JumpHost): Promise<Client> {
  const client = new Client();
  client.connect({ host: HOST, port: jump.port, username: "ann" });
  await once(client, "ready");
  return client;
}

/** @returns why the channel was not opened */
function forward(client: Client): Promise<string | undefined> {
  return new Promise((resolve) =>
    client.forwardOut("", 0, "job", 22, (error) => resolve(error?.message))
  );
}

Deno.test("a client that says nothing is disconnected", async () => {
  await using jump = start(() => ({ reason: "none" }), { loginMs: 20 });
  using conn = await Deno.connect({ hostname: HOST, port: jump.port });
  let text = "";
  for await (const bytes of conn.readable.values({ preventCancel: true })) {
    text += new TextDecoder().decode(bytes);
  }
  assert.match(text, /^SSH-2\.0-/);
});

Deno.test("a client without a channel is disconnected", async () => {
  await using jump = start(admitAll().openClient, { idleMs: 20 });
  await once(await connect(jump), "close");
});

Deno.test("a connection leads to sixteen agents at most", async () => {
  await using jump = start(admitAll().openClient);
  const client = await connect(jump);
  const answers = [];
  for (let n = 0; n < 17; n++) answers.push(await forward(client));
  assert.deepEqual(answers.slice(0, 16), Array(16).fill(undefined));
  assert.match(answers[16]!, /too many channels/);
  const ended = once(client, "close");
  client.end();
  await ended;
});

Deno.test("a client that takes nothing for a while can send all that an agent lets it", async () => {
  const { openClient, sockets } = admitAll();
  await using jump = start(openClient);
  const socket = connectSocket(jump.port, HOST);
  let isTaking = true;
  const sock = new Duplex({
    read() {},
    write: (chunk, _encoding, done) => void socket.write(chunk, () => done()),
  });
  socket.on("data", (bytes) => isTaking && sock.push(bytes));
  socket.on("close", () => sock.destroy());
  const client = new Client();
  client.connect({ sock, username: "ann" });
  await once(client, "ready");
  const { promise: opened, resolve } = Promise.withResolvers<Duplex>();
  client.forwardOut("", 0, "job", 22, (_error, channel) => resolve(channel));
  const channel = await opened;
  isTaking = false;
  // The windows of all its channels together.
  const most = 6 * 2 ** 20;
  let received = 0;
  const { promise: all, resolve: done } = Promise.withResolvers<void>();
  sockets[0]!.onmessage = ({ data }) => {
    received += (data as ArrayBuffer).byteLength;
    if (received === most) done();
  };
  channel.write(new Uint8Array(most));
  await all;
  const ended = once(socket, "close");
  socket.destroy();
  await ended;
});

Deno.test("the client is told why it is not connected", async () => {
  await using jump = start(() => ({ reason: "the agent is away" }));
  const client = await connect(jump);
  assert.match((await forward(client))!, /the agent is away/);
  const ended = once(client, "close");
  client.end();
  await ended;
});

Deno.test("a port that is in use is an error with a hint", () => {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  assert.throws(
    () => start(admitAll().openClient, { port: listener.addr.port }),
    /the port is in use; choose another one with --ssh-port/,
  );
});

Deno.test("one address has 200 connections at most, and another one still gets in", async () => {
  await using jump = start(admitAll().openClient);
  const local = { hostname: HOST, port: jump.port };
  const connections: Deno.Conn[] = [];
  for (let n = 0; n < 201; n++) connections.push(await Deno.connect(local));
  try {
    const isOpen = async (conn: Deno.Conn) => await conn.read(new Uint8Array(8)) !== null;
    assert.deepEqual(await Promise.all([199, 200].map((n) => isOpen(connections[n]!))), [
      true,
      false,
    ]);
    const elsewhere = connectSocket({ host: HOST, port: jump.port, localAddress: "127.0.0.2" });
    const [greeting] = await once(elsewhere, "data");
    assert.match(String(greeting), /^SSH-2\.0-/);
    elsewhere.destroy();
    await once(elsewhere, "close");
  } finally {
    for (const conn of connections) conn.close();
  }
});

Deno.test("there is a limit to all connections, which an exempt address alone may use up", async () => {
  await using jump = start(admitAll().openClient, {
    exempt: [parseIpRange("127.0.0.1")!],
    maxConnections: 4,
    maxPerAddress: 2,
  });
  const connections: Socket[] = [];
  /** Whether there is a greeting. */
  const isLetIn = async (localAddress: string) => {
    const socket = connectSocket({ host: HOST, port: jump.port, localAddress });
    connections.push(socket);
    return await Promise.race([
      once(socket, "data").then(() => true),
      once(socket, "close").then(() => false),
    ]);
  };
  const answers = [];
  for (const from of ["127.0.0.2", "127.0.0.2", "127.0.0.2", HOST, HOST, HOST, "127.0.0.3"]) {
    answers.push(await isLetIn(from));
  }
  assert.deepEqual(answers, [true, true, false, true, true, false, false]);
  for (const socket of connections.filter(({ closed }) => !closed)) {
    socket.destroy();
    await once(socket, "close");
  }
});

Deno.test("a connection whose channels are refused over and over is ended", async () => {
  await using jump = start(() => ({ reason: "unknown ID" }));
  const client = await connect(jump);
  const ended = new Promise<void>((resolve) => client.on("close", () => resolve()));
  client.on("error", () => {});
  for (let n = 0; n < 100; n++) assert.match((await forward(client))!, /unknown ID/);
  client.forwardOut("", 0, "job", 22, () => {});
  await ended;
});

Deno.test("an address that may not connect for now is disconnected", async () => {
  const asked: string[] = [];
  await using jump = start(admitAll().openClient, {}, (address) => {
    asked.push(address);
    return asked.length > 1 ? { reason: "too often" } : undefined;
  });
  const client = await connect(jump);
  using conn = await Deno.connect({ hostname: HOST, port: jump.port });
  assert.equal(await conn.read(new Uint8Array(8)), null);
  assert.deepEqual(asked, [HOST, HOST]);
  const ended = once(client, "close");
  client.end();
  await ended;
});
