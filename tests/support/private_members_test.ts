/**
 * What we use of dependencies beyond what they publish, by name: when an upgrade takes one of these
 * away, this fails and says which file needs another way.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import utils from "ssh2/lib/protocol/utils.js";
import { requires } from "./requires.ts";
import { ROOT } from "./root.ts";
import { TestSshServer } from "./ssh.ts";
import { RawClient } from "./ssh_raw_client.ts";

/** The only files that may name private members, with these and their types. */
const MEMBERS = {
  "tests/support/ssh2_internals.ts": {
    "_protocol._packetRW.write.alloc": "function",
    "_protocol._packetRW.write.allocStart": "number",
    "_protocol._packetRW.write.finalize": "function",
    "_protocol._cipher.outSeqno": "number",
    "_protocol._debug": "undefined",
    "_protocol._handlers.CHANNEL_OPEN": "function",
    "_protocol._onPayload": "function",
    "_callbacks.push": "function",
  },
  "lib/process/posix/pty.ts": {
    "_emittedClose": "boolean",
    "_socket.write": "function",
    "_socket.pause": "function",
    "_socket.resume": "function",
    "_socket.destroy": "function",
    "_socket.on": "function",
  },
  "lib/server/relay/peer_socket.ts": { "_onTimeout": "function" },
};

/** Fails unless `owner` has the members that `file` names. */
function assertMembers(owner: object, name: string, file: keyof typeof MEMBERS): void {
  for (const [path, type] of Object.entries(MEMBERS[file])) {
    const keys = path.split(".");
    const last = keys.pop()!;
    // deno-lint-ignore no-explicit-any -- private members have no types.
    const parent = keys.reduce((value: any, key) => value?.[key], owner);
    assert.ok(parent && last in parent, `${name} has no ${path}, which ${file} uses`);
    assert.equal(typeof parent[last], type, `${path} of ${name}, which ${file} uses`);
  }
}

requires("ssh-keygen")("ssh2 has the private members that tests use", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  assertMembers(raw.client, "ssh2's client", "tests/support/ssh2_internals.ts");
  assert.equal(typeof utils.sendPacket, "function", "sendPacket() of ssh2/lib/protocol/utils.js");
});

Deno.test({
  name: "node-pty has the private members that terminals on macOS use",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { spawn } = await import("@lydell/node-pty");
    const terminal = spawn("/bin/sh", ["-c", "read line"], { encoding: null });
    const exited = new Promise((resolve) => terminal.onExit(resolve));
    assertMembers(terminal, "node-pty's terminal", "lib/process/posix/pty.ts");
    terminal.write("\n");
    await exited;
  },
});

Deno.test("Deno's websockets have the timer that the server stops", async () => {
  const timer = Promise.withResolvers<unknown>();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = () => {
      const key = Object.getOwnPropertySymbols(socket)
        .find(({ description }) => description === "[[idleTimeoutTimeout]]");
      timer.resolve(key && (socket as unknown as Record<symbol, unknown>)[key]);
      socket.close();
    };
    return response;
  });
  const client = new WebSocket(`ws://127.0.0.1:${server.addr.port}`);
  client.onopen = () => client.send("hello");
  await new Promise((resolve) => client.onclose = resolve);
  assertMembers(
    await timer.promise as object,
    "the timer of Deno's websocket",
    "lib/server/relay/peer_socket.ts",
  );
});

Deno.test("no other file names a private member of a dependency", () => {
  const files = ["lib", "templates", "tests"].flatMap((directory) =>
    readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
      .map((name) => `${directory}/${name.replaceAll("\\", "/")}`)
  ).filter((file) => /\.(ts|tsx|js)$/.test(file) && !import.meta.url.endsWith(file));
  for (const file of files) {
    const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    const named = file in MEMBERS
      ? Object.keys(MEMBERS[file as keyof typeof MEMBERS]).flatMap((path) => path.split("."))
      : [];
    for (const [, name] of source.matchAll(/\.(_[a-z]\w*)/gi)) {
      assert.ok(named.includes(name!), `${file} uses ${name}`);
    }
  }
});
