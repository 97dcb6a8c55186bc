import assert from "node:assert/strict";
import { Registration } from "../../lib/agent/registration.ts";
import { createLog, type Log } from "../../lib/log/log.ts";
import { PROTOCOL_VERSION } from "../../lib/protocol/messages.ts";
import { writeAll } from "../../lib/wire/raw_connection.ts";
import { serverFrame, startRawServer, upgrade } from "../support/raw_websocket_server.ts";
import { startWebSocketServer } from "../support/websocket_server.ts";

const NAMES = { id: "job-1", username: "ann" };
const REGISTERED = {
  ...{ type: "registered", protocol: PROTOCOL_VERSION, version: "1", resume: "secret", parked: 0 },
  ...NAMES,
};
const SILENT = createLog({ write: () => {} });

function registrationAt(
  url: string,
  log: Log,
  onRegistered: (id: string) => void,
  onClient = () => Promise.resolve(),
): Registration {
  return new Registration({
    server: new URL(url),
    id: "job-1",
    facts: { host: "", user: "", os: "", shell: "" },
    tls: {},
    log,
    onRegistered: ({ id }) => onRegistered(id),
    onClient,
  });
}

/** Registers at a server whose answer has these fields; resolves when that is over. */
async function register(answer: Record<string, unknown>) {
  await using server = startWebSocketServer({
    paths: {
      "/agent/job-1": (socket) => {
        socket.onmessage = () => {
          socket.send(JSON.stringify({ ...REGISTERED, ...answer }));
        };
      },
    },
  });
  const done = new AbortController();
  const registrations: string[] = [];
  const registration = registrationAt(server.url, SILENT, (id) => {
    registrations.push(id);
    done.abort();
  });
  await registration.run(done.signal);
  return registrations;
}

Deno.test("Registration takes the names that the server gives", async () => {
  assert.deepEqual(await register(NAMES), ["job-1"]);
});

for (
  const [names, message] of [
    [{ ...NAMES, id: "x;reboot" }, /the server's answer has an invalid ID$/],
    [{ ...NAMES, id: "" }, /the server's answer has an invalid ID$/],
    [
      { ...NAMES, username: "-oProxyCommand=reboot" },
      /the server's answer has an invalid user name$/,
    ],
    [{ ...NAMES, username: "ann\nreboot" }, /the server's answer has an invalid user name$/],
  ] as const
) {
  const { id, username } = names;
  Deno.test(`Registration refuses ${JSON.stringify({ id, username })}, which people would paste`, async () => {
    await assert.rejects(register(names), { message });
  });
}

for (
  const [protocol, remedy] of [
    [PROTOCOL_VERSION + 1, "download the agent again from this server"],
    [PROTOCOL_VERSION - 1, "update the server, or use the agent that it serves"],
  ] as const
) {
  Deno.test(`Registration refuses a server of protocol ${protocol}, and says what to update`, async () => {
    const versions =
      `the agent speaks protocol ${PROTOCOL_VERSION} and the server protocol ${protocol}`;
    await assert.rejects(register({ protocol }), (error: Error) => {
      assert.match(error.message, /^cannot register at ws:\/\/127\.0\.0\.1:\d+: /);
      assert.ok(error.message.endsWith(`: ${versions}: ${remedy}`), error.message);
      return true;
    });
  });
}

Deno.test("Registration gives up at once when the server refuses for good, with its reason", async () => {
  const refusal = { type: "refused", reason: "wrong token", retry: false };
  await assert.rejects(register(refusal), { message: /: wrong token$/ });
});

Deno.test("Registration tells the log each reason once while the server is away, and that it is back", async () => {
  const answers = ["503", "503", "registered", "503", "503", "registered"];
  await using server = startRawServer(async (conn) => {
    if (answers.shift() === "registered") {
      await upgrade(conn);
      await conn.read(new Uint8Array(4_096));
      return await writeAll(conn, serverFrame(1, JSON.stringify(REGISTERED)));
    }
    const refusal = "HTTP/1.1 503 Starting\r\ncontent-length: 0\r\n\r\n";
    await writeAll(conn, new TextEncoder().encode(refusal));
  });
  const lines: string[] = [];
  const log = createLog({ now: () => 0, write: (line) => void lines.push(line.slice(25).trim()) });
  const done = new AbortController();
  const registration = registrationAt(server.url.origin, log, () => {
    if (answers.length === 0) done.abort();
  });
  await registration.run(done.signal);

  const starting = `cannot connect to \\"${server.url.href}agent/job-1\\": Starting (503)`;
  assert.deepEqual(lines, [
    `warn not registered, trying again reason="${starting}"`,
    'warn not registered, trying again reason="the connection was lost"',
    `warn not registered, trying again reason="${starting}"`,
    "info registered again id=job-1",
  ]);
});

Deno.test("Registration parks what the server asks for, within reason", async () => {
  let parked = 0;
  const enough = Promise.withResolvers<void>();
  await using server = startWebSocketServer({
    paths: {
      "/agent/job-1": (socket) => {
        socket.onmessage = ({ data }) => {
          if (JSON.parse(data).type === "park") return ++parked === 8 && enough.resolve();
          socket.send(JSON.stringify({ ...REGISTERED, parked: 1e8 }));
        };
      },
    },
  });
  const done = new AbortController();
  const running = registrationAt(server.url, SILENT, () => {}).run(done.signal);
  await enough.promise;
  done.abort();
  await running;
  assert.equal(parked, 8);
});

Deno.test("Registration parks a connection for each client when it comes back", async () => {
  const CLIENTS = 5;
  let [registered, paired, parked] = [0, 0, 0];
  const done = new AbortController();
  const ended = Promise.withResolvers<void>();
  done.signal.addEventListener("abort", () => ended.resolve());
  await using server = startWebSocketServer({
    paths: {
      "/agent/job-1": (socket) => {
        socket.onmessage = ({ data }) => {
          if (JSON.parse(data).type === "register") {
            registered++;
            return socket.send(JSON.stringify({ ...REGISTERED, parked: 2 }));
          }
          if (registered > 1) return ++parked === CLIENTS && done.abort();
          if (paired === CLIENTS) return;
          const client = { key: ++paired, address: "192.0.2.1" };
          socket.send(JSON.stringify({ type: "paired", client }));
          if (paired === CLIENTS) control!.close();
        };
        control ??= socket;
      },
    },
  });
  let control: WebSocket | undefined;
  await registrationAt(server.url, SILENT, () => {}, () => ended.promise.then(() => {})).run(
    done.signal,
  );
  assert.deepEqual([registered, parked], [2, CLIENTS]);
});
