/** What a client that is logged in can have at a time, and what it cannot leave behind. */
import assert from "node:assert/strict";
import type { ClientChannel } from "ssh2";
import { forwarding } from "../../lib/ssh/forwarding/forwarding.ts";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";
import { inTime } from "../support/deadline.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";
import { ignoreKeyExchange, onChannelOpen } from "../support/ssh2_internals.ts";
import { RawClient } from "../support/ssh_raw_client.ts";

const test = requires("ssh");

/** Asks for a channel without a look at its answer. */
function openMessage(type: string, id: number): Uint8Array {
  return new Writer().byte(90).string(type).uint32(id).uint32(1000).uint32(1000).bytes();
}

/** Listens on the server's side. @returns the port */
function listen(raw: RawClient): Promise<number> {
  return new Promise((resolve, reject) => {
    raw.client.forwardIn("127.0.0.1", 0, (error, port) => error ? reject(error) : resolve(port));
  });
}

test("hundreds of variables and forwards may be asked for at once", async () => {
  await using server = await TestSshServer.start({ ...forwarding() });
  const names = Array.from({ length: 250 }, (_, number) => `VARIABLE_${number}`);
  const env = Object.fromEntries(names.map((name) => [name, name.repeat(50)]));
  const script = names.map((name) => `[ "$${name}" = ${env[name]} ] || echo ${name}`);
  const result = await server.ssh(["-o", "SendEnv=VARIABLE_*"], ["sh"], {
    env,
    input: script.join("\n"),
  });
  assert.deepEqual([result.code, result.stdout], [0, ""], result.stderr);

  const forwards = Array.from({ length: 101 }, (_, i) => ["-R", `0:127.0.0.1:${i + 1}`]).flat();
  const { code, stdout, stderr } = await server.ssh(forwards, ["echo in"]);
  assert.deepEqual([code, stdout], [0, "in\n"], stderr);
  await inTime(server.logged(/global request refused .*too many listeners/), () => stderr);
});

test("a hundred sessions are open at most, and each that ends makes room", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  const shell = () =>
    new Promise<ClientChannel>((resolve, reject) => {
      raw.client.exec("cat", (error, channel) => error ? reject(error) : resolve(channel));
    });
  const first = await shell();
  for (let id = 100; id < 199; id++) raw.send(openMessage("session", id));
  await assert.rejects(shell(), /too many sessions/);
  const closed = new Promise((resolve) => first.on("close", resolve));
  first.end();
  first.resume();
  await closed;
  (await shell()).end();
});

test("no more connections come from a listener than a client may have channels", async () => {
  await using server = await TestSshServer.start({ ...forwarding() });
  await using raw = await RawClient.connect(server);
  const port = await listen(raw);
  for (let id = 1000; id < 1099; id++) raw.send(openMessage("session", id));
  const target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const direct = new Writer().string("127.0.0.1").uint32(target.addr.port).string("").uint32(0);
  // The last of these is refused.
  for (let id = 2000; id < 2902; id++) {
    raw.send(Uint8Array.from([...openMessage("direct-tcpip", id), ...direct.bytes()]));
  }
  await server.logged(/channel refused .*too many channels/);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await server.logged(/forwarded connection failed .*too many channels/);
  assert.equal(await conn.read(new Uint8Array(1)).catch(() => null), null);
  target.close();
});

test("data beyond a channel's window ends the connection", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  const exec = raw.exec("echo ready; exec sleep 1000", () => {
    // The program reads none of it, but its pipe holds some.
    const data = new Writer().byte(94).uint32(0).string(new Uint8Array(32_000)).bytes();
    for (let i = 0; i < 200; i++) raw.send(data);
  });
  const ended = server.logged(/connection ended .*reason="more data than the channel's window"/);
  await inTime(ended, () => "the connection does not end");
  assert.equal((await exec).code, undefined);
});

test("requests that wait for earlier ones end the connection beyond a megabyte", async () => {
  const first = Promise.withResolvers<void>();
  await using server = await TestSshServer.start({
    globalRequests: { "wait@example.org": () => first.promise },
  });
  await using raw = await RawClient.connect(server);
  const request = (size: number) =>
    new Writer().byte(80).string("wait@example.org").boolean(false).raw(new Uint8Array(size))
      .bytes();
  raw.send(request(0));
  for (let i = 0; i < 32; i++) raw.send(request(32_000));
  assert.equal((await raw.exec("true")).code, 0);
  raw.send(request(30_000));
  await inTime(raw.ended, () => "the connection does not end").finally(first.resolve);
  await server.logged(/connection ended .*reason="too many waiting requests"/);
});

test("a wrong answer to a channel ends the connection and what waits for it", async () => {
  for (
    const answer of [
      Uint8Array.of(91),
      Uint8Array.of(92),
      new Writer().byte(91).raw(new Uint8Array(16)).bytes(),
    ]
  ) {
    await using server = await TestSshServer.start({ ...forwarding() });
    await using raw = await RawClient.connect(server);
    const port = await listen(raw);
    onChannelOpen(raw.client, () => {
      raw.send(answer.length > 1 ? answer : new Writer().raw(answer).uint32(0).bytes());
    });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await inTime(server.ended(1), () => "the connection does not end");
    assert.equal(await conn.read(new Uint8Array(1)).catch(() => null), null);
  }
});

test("a session gets one socket for the client's agent, however often it asks", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using server = await TestSshServer.start({ ...forwarding() });
  await using raw = await RawClient.connect(server);
  raw.send(openMessage("session", 99));
  const request = new Writer().byte(98).uint32(0).string("auth-agent-req@openssh.com")
    .boolean(true).bytes();
  for (let i = 0; i < 10; i++) raw.send(request);
  assert.equal((await raw.exec("true")).code, 0);
  const refused = server.lines.filter((line) => /already has an agent/.test(line));
  assert.equal(refused.length, 9);
});

test("answers do not pile up for a client that does not exchange keys", async () => {
  await using server = await TestSshServer.start({ rekeyBytes: 10_000 });
  await using raw = await RawClient.connect(server);
  ignoreKeyExchange(raw.client);
  raw.send(new Writer().byte(2).string(new Uint8Array(20_000)).bytes());
  const unknown = Uint8Array.of(192);
  // Each answer counts as 105 bytes.
  for (let i = 0; i < 1024 * 1024 / 105 + 1; i++) raw.send(unknown);
  await server.logged(/connection ended .*the client does not exchange keys/);
});
