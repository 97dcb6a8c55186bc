import assert from "node:assert/strict";
import { join } from "node:path";
import { writeAll } from "../../lib/wire/raw_connection.ts";
import { serverFrame, startRawServer, upgrade } from "../support/raw_websocket_server.ts";
import { residentMemory, stalled } from "../support/stalled.ts";
import { ROOT } from "../support/root.ts";

const WSPROXY = join(ROOT, "wsproxy.ts");
const MB = 1_000_000;
const ignore = Deno.build.os !== "linux";
if (ignore) console.log("skipped: memory of processes is read from Linux's /proc");

function spawn(url: URL): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "-N", "-E", WSPROXY, url.href],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test({
  name: "a reader that does not read holds the server up, and wsproxy's memory stays bounded",
  ignore,
  async fn() {
    const frame = serverFrame(2, new Uint8Array(100_000));
    let sent = 0;
    await using server = startRawServer(async (conn) => {
      await upgrade(conn);
      for (; sent < 2000; sent++) await writeAll(conn, frame);
      await writeAll(conn, serverFrame(8, Uint8Array.of(1000 >> 8, 1000 & 255)));
      await conn.read(new Uint8Array(100));
    });
    const child = spawn(server.url);
    const output = child.stdout.getReader({ mode: "byob" });
    // Its first byte says that it runs.
    let received = (await output.read(new Uint8Array(1))).value!.length;
    await stalled(() => sent);
    assert.ok(sent < 600, `${sent / 10} MB were taken of 200`);
    const memory = residentMemory(child.pid);
    assert.ok(memory < 250 * MB, `${memory / MB} MB are resident`);

    for (;;) {
      const { value, done } = await output.read(new Uint8Array(MB));
      if (done) break;
      received += value.length;
    }
    assert.equal(received, 200 * MB);
    await child.stdin.abort();
    assert.equal((await child.status).code, 0);
  },
});

Deno.test({
  name: "a server that does not read holds standard input up, and wsproxy's memory stays bounded",
  ignore,
  async fn() {
    const go = Promise.withResolvers<void>();
    const total = Promise.withResolvers<number>();
    await using server = startRawServer(async (conn) => {
      await upgrade(conn);
      await go.promise;
      const buffer = new Uint8Array(MB);
      let received = 0;
      // Frames of 64 KiB have 14 bytes before the payload; the close frame answers itself.
      for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
        received += n;
        if (received > 100 * MB && buffer[n - 8] === 0x88) break;
      }
      total.resolve(received);
      await writeAll(conn, serverFrame(8, Uint8Array.of(1000 >> 8, 1000 & 255)));
    });
    const child = spawn(server.url);
    const input = child.stdin.getWriter();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 100; sent++) await input.write(new Uint8Array(MB));
      await input.close();
    })();
    await stalled(() => sent);
    assert.ok(sent < 50, `${sent} MB were taken of 100`);
    const memory = residentMemory(child.pid);
    assert.ok(memory < 250 * MB, `${memory / MB} MB are resident`);

    go.resolve();
    await sending;
    assert.ok(await total.promise > 100 * MB);
    await child.stdout.cancel();
    assert.equal((await child.status).code, 0);
  },
});
