import assert from "node:assert/strict";
import { tcpStream } from "../../lib/wire/tcp_stream.ts";
import { readAll } from "../support/memory_stream.ts";

/** Both ends of a TCP connection. */
async function connect(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  return await Promise.all([listener.accept(), Deno.connect({ hostname: "127.0.0.1", port })]);
}

Deno.test("tcpStream() keeps the directions apart and closes when both have ended", async () => {
  const [near, far] = (await connect()).map(tcpStream);
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const sending = (async () => {
    for (let count = 0; count < 100; count++) await near!.write(sent);
    await near!.end();
  })();
  const received = await readAll(far!);
  await sending;
  assert.equal(received.length, 6_000_000);
  assert.deepEqual(received.subarray(-sent.length), sent);
  await far!.write(sent);
  await far!.end();
  assert.deepEqual(await readAll(near!), sent);
  assert.equal(await near!.closed, undefined);
  assert.equal(await far!.closed, undefined);
  await assert.rejects(near!.write(sent), /closed/);
});

Deno.test("tcpStream() close() ends a read under way", async () => {
  const [near, far] = await connect();
  const stream = tcpStream(near);
  const reading = stream.read();
  stream.close(new Error("enough"));
  stream.close();
  assert.equal(await reading, null);
  assert.equal(await stream.read(), null);
  await stream.end();
  assert.equal((await stream.closed)?.message, "enough");
  far.close();
});

Deno.test("tcpStream() breaks when it writes to a peer that is gone", async () => {
  const [near, far] = await connect();
  const stream = tcpStream(near);
  far.close();
  await assert.rejects(async () => {
    for (;;) await stream.write(new Uint8Array(1000));
  }, /^Error: the connection was lost: /);
  assert.match((await stream.closed)!.message, /lost/);
  assert.equal(await stream.read(), null);
});
