/** The server as a process of its own, under attack. */
import assert from "node:assert/strict";
import { makeCertificate } from "../../support/certificate.ts";
import { sendEndlessMessage, upgrade } from "../../support/endless_message.ts";
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { residentMemory } from "../../support/stalled.ts";
import { startServerProgram } from "../../support/server.ts";
import { pairUp, TestAgent } from "../../support/test_socket.ts";

Deno.test({
  name: "messages without an end are ended before they fill the memory, and pairs go on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startServerProgram();
    await using agent = await TestAgent.register(server.ws, "job");
    await using pair = await pairUp(agent);
    const floods = Array.from({ length: 8 }, async (_, i) => {
      const path = i % 2 ? "/agent/other" : "/client/other?wait=5m";
      using connection = await upgrade(server.port, path);
      await sendEndlessMessage(connection);
    });
    let flooding = true;
    const flooded = Promise.all(floods).finally(() => flooding = false);
    let most = 0;
    while (flooding) {
      pair.client.send(new Uint8Array([1, 2, 3]));
      assert.deepEqual(await pair.data.bytes(3), new Uint8Array([1, 2, 3]));
      most = Math.max(most, residentMemory(server.program.pid));
    }
    await flooded;
    assert.ok(most < 512 * 2 ** 20, `${most} bytes`);
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    assert.match(metrics, /^converge_connections_dropped_total{reason="message-too-long"} 8$/m);
    const lines = server.program.stderr.match(/"event":"connection dropped"/g);
    assert.equal(lines?.length, 1, "one line for all of an address");
  },
});

Deno.test({
  name: "a message may be 256 KiB long before its peer is paired, and 17 MiB after",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startServerProgram();
    await using agent = await TestAgent.register(server.ws, "job");
    await using _data = await agent.park();
    for (const [path, most] of [["/agent/other", "262 kB"], ["/client/job", "17.8 MB"]] as const) {
      using connection = await upgrade(server.port, path);
      await sendEndlessMessage(connection);
      await server.program.waitFor(new RegExp(`reason":"[^"]*more than ${most}`));
    }
  },
});

requires("openssl")({
  name: "a message without an end is ended over TLS, too",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using dir = new TempDir();
    const { ca, cert, key } = await makeCertificate(dir);
    await using server = await startServerProgram(["--tls-cert", cert, "--tls-key", key]);
    using connection = await upgrade(server.port, "/agent/job", ca);
    await sendEndlessMessage(connection);
    await server.program.waitFor(/connection dropped.*more than 262 kB/);
  },
});
