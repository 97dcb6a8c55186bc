/** The documents name things that exist. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "./support/root.ts";

function below(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .map((name) => `${directory}/${name.replaceAll("\\", "/")}`);
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

const FILES = [
  ...["lib", "templates", "tests", "docs", "examples", ".github"].flatMap(below),
  ...readdirSync(ROOT),
];
const DOCUMENTS = FILES.filter((file) => file.endsWith(".md"));

/** The headings of a document as GitHub names them in links. */
function anchors(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("each link of the documents leads to a file and a heading", () => {
  const dead = DOCUMENTS.flatMap((file) =>
    [...read(file).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].filter(
      ([, path = "", anchor]) => {
        const target = path === "" ? file : normalize(join(dirname(file), path));
        if (!existsSync(join(ROOT, target))) return true;
        return anchor !== undefined && !anchors(target).includes(anchor);
      },
    ).map(([link]) => `${file}: ${link}`)
  );
  assert.deepEqual(dead, []);
});

Deno.test("each path that a document or a source file names exists", () => {
  const texts = FILES.filter((file) => /\.(ts|tsx|js|css|md|ya?ml)$/.test(file));
  const missing = texts.flatMap((file) =>
    [...read(file).matchAll(/(?<![\w./~-])(?:lib|templates|tests|docs|examples)\/[\w./*-]*\w/g)]
      .filter(([path]) => {
        const pattern = new RegExp(`^${path.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}`);
        return !FILES.some((known) => pattern.test(known));
      })
      .map(([path]) => `${file}: ${path}`)
  );
  assert.deepEqual(missing, []);
});

Deno.test("each promise of SECURITY.md names the test that checks it", () => {
  const rows = [...read("SECURITY.md").matchAll(/^\| (?!promise|-)(.*?) *\| (.*?) *\|$/gm)];
  assert.ok(rows.length > 15);
  for (const [, promise, tests] of rows) assert.match(tests!, /^`tests\/.*_test\.ts`/, promise);
});

Deno.test("docs/how-it-works.md names each directory of the sources", () => {
  const [, tree] = /## Directories\n+```\n([^]*?)```/.exec(read("docs/how-it-works.md"))!;
  const stack: string[] = [];
  const named = tree!.trimEnd().split("\n").map((line) => {
    const [, indent, name] = /^( *)([\w.]+)\//.exec(line)!;
    stack.splice(indent!.length / 2, Infinity, name!);
    return stack.join("/");
  });
  const real = FILES.filter((file) => /^(lib|templates)\//.test(file) && /\/[^.]+$/.test(file));
  const expected = ["lib", "templates", ...real].sort();
  assert.deepEqual(named.filter((directory) => !directory.startsWith("tests")).sort(), expected);
  const others = readdirSync(join(ROOT, "tests"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !existsSync(join(ROOT, "lib", entry.name)))
    .map(({ name }) => `tests/${name}`).filter((directory) => directory !== "tests/templates");
  const namedTests = named.filter((directory) => directory.startsWith("tests/"));
  assert.deepEqual(namedTests.sort(), others.sort());
});

Deno.test("CONTRIBUTING.md names each task", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  for (const task of Object.keys(tasks)) {
    assert.match(read("CONTRIBUTING.md"), new RegExp(`deno task ${task}\\b`), task);
  }
});

/** The value of a constant that is a number, or a product or power of numbers. */
function constant(file: string, name: string): number {
  const [, expression] =
    new RegExp(`\\b${name}(?:: \\w+)? ?[=:] ([\\d_ *]+)[;,]`).exec(read(file)) ??
      [];
  assert.ok(expression, `${file} has no ${name}`);
  const power = (text: string) => text.split("**").map(toNumber).reduce((a, b) => a ** b);
  return expression.replaceAll(" ** ", "**").split(" * ").map(power).reduce((a, b) => a * b);
}

function toNumber(text: string): number {
  return Number(text.replaceAll("_", ""));
}

/** What a document says, the constant that is meant, and its value. */
const PROMISES = `
docs/ssh.md: a minute, 6 failures = lib/ssh/server.ts LOGIN_GRACE_MS 60000
docs/ssh.md: 6 failures, 64 attempts = lib/ssh/login/login.ts MAX_FAILURES 6
docs/ssh.md: 64 attempts of any kind = lib/ssh/login/login.ts MAX_ATTEMPTS 64
docs/ssh.md: channels of a connection, both ways | 1000 = lib/ssh/connection/connection.ts MAX_CHANNELS 1000
docs/ssh.md: sessions among them | 100 = lib/ssh/connection/connection.ts MAX_SESSIONS 100
docs/ssh.md: SFTP clients of the agent | 64 = lib/ssh/sftp/serve.ts MAX_CLIENTS 64
docs/ssh.md: that \`-R\` listens on | 100 = lib/ssh/forwarding/listeners.ts MAX_LISTENERS 100
docs/ssh.md: 256, of 32 KiB each = lib/ssh/session/environment.ts MAX_VARIABLES 256
docs/ssh.md: 256, of 32 KiB each = lib/ssh/session/environment.ts MAX_LENGTH 32768
docs/ssh.md: requests that wait for earlier ones | 1 MiB = lib/ssh/connection/request_queue.ts MAX_BYTES 1048576
docs/ssh.md: 2 MiB, of all channels 6 MiB = lib/ssh/connection/receive_window.ts MOST 2097152
docs/ssh.md: a packet | 256 KiB = lib/ssh/transport/packet_reader.ts MAX_PACKET_LENGTH 262144
docs/ssh.md: before the login 35,000 bytes = lib/ssh/transport/packet_reader.ts MAX_FIRST_LENGTH 35000
docs/ssh.md: what waits while a client exchanges keys | 1 MiB = lib/ssh/transport/key_exchanges.ts MAX_HELD 1048576
docs/ssh.md: Keys are exchanged again after 1 GiB = lib/ssh/transport/key_exchanges.ts REKEY_BYTES 1073741824
docs/ssh.md: at most 4.2 MB = lib/ssh/login/authorized_keys_file.ts MAX_BYTES 4194304
docs/ssh.md: At most 256 KiB of each file = lib/agent/variables/job_variables.ts MAX_FILE_BYTES 262144
docs/ssh.md: at most 1000 variables = lib/agent/variables/variable_file.ts MAX_COUNT 1000
docs/ssh.md: 512 Ki characters = lib/agent/variables/variable_file.ts MAX_SIZE 524288
docs/sftp.md: a packet | 256 KiB = lib/ssh/sftp/packets/numbers.ts MAX_PACKET 262144
docs/sftp.md: of one client | 512 = lib/ssh/sftp/packets/numbers.ts MAX_HANDLES 512
docs/protocol.md: waits 10 seconds for the first message = lib/protocol/messages.ts HELLO_TIMEOUT_MS 10000
docs/protocol.md: at most 65,536 UTF-16 code units = lib/protocol/messages.ts MAX_MESSAGE_LENGTH 65536
docs/protocol.md: no longer than 16 MiB = lib/wire/websocket/connection.ts MAX_MESSAGE_LENGTH 16777216
docs/protocol.md: one of more than 17 MiB = lib/server/relay/relay.ts MAX_MESSAGE 17825792
docs/protocol.md: all receivers together were 64 times that = lib/server/rendezvous_server.ts SLOW_RECEIVERS 64
docs/protocol.md: up to a day = lib/server/http/router.ts MAX_WAIT_MS 86400000
docs/protocol.md: up to 64 KiB meanwhile = lib/server/relay/client_connection.ts MAX_EARLY_BYTES 65536
docs/protocol.md: eight at most = lib/agent/registration.ts MAX_PARKED 8
docs/protocol.md: a hundred at the most = lib/agent/status_reporter.ts MAX_CLIENTS 100
docs/protocol.md: twenty at the most = lib/agent/status_reporter.ts MAX_SESSIONS 20
docs/protocol.md: keeps its ID for 60 seconds = lib/server/rendezvous/agents.ts GRACE_MS 60000
docs/protocol.md: for 30 seconds at most = lib/server/rendezvous/rendezvous.ts QUEUE_MS 30000
docs/protocol.md: at most 2 MiB on its way = lib/agent/flow/flow_window.ts MOST 2097152
docs/protocol.md: Up to 16 KiB may go unreported = lib/server/relay/flow_reports.ts UNREPORTED 16384
docs/protocol.md: silent for 15 seconds, and closes it with 1001 when 15 more = lib/server/timing.ts idleMs 30000
docs/clients.md: every 20 seconds, within 80 = lib/wire/websocket/websocket.ts pingInterval 20000
docs/clients.md: every 20 seconds, within 80 = lib/wire/websocket/connection.ts MAX_SILENT_PINGS 3
docs/clients.md: about 8 MiB from the server = lib/wire/websocket/connection.ts MAX_QUEUED 8388608
docs/clients.md: 1 MiB to it wait = lib/wire/websocket/frame_writer.ts MAX_UNSENT 1048576
docs/operate/README.md: without a channel is ended after 30 seconds = lib/jump/jump_connection.ts IDLE_MS 30000
docs/operate/README.md: is silent for 40 = lib/jump/jump_connection.ts KEEPALIVE_MS 20000
docs/operate/README.md: at most 16 agents = lib/jump/jump_connection.ts MAX_CHANNELS 16
docs/operate/README.md: at most 4,000 connections = lib/jump/jump_host.ts MAX_CONNECTIONS 4000
docs/operate/README.md: 200 from one address = lib/jump/jump_host.ts MAX_PER_ADDRESS 200
docs/operate/README.md: messages together take more than 32 MiB = lib/server/sockets/guard.ts MAX_INCOMPLETE 33554432
docs/operate/README.md: no request within 15 seconds = lib/server/sockets/guarded_connection.ts REQUEST_MS 15000
docs/operate/README.md: none for three minutes = lib/server/sockets/guarded_connection.ts IDLE_MS 180000
docs/operate/README.md: less than 16 KiB in a minute = lib/server/sockets/guarded_connection.ts LEAST_TAKEN 16384
docs/operate/README.md: less than 16 KiB in a minute = lib/server/sockets/guarded_connection.ts STALLED_MS 60000
docs/operate/README.md: ten minutes after the close = lib/server/sockets/guarded_connection.ts CLOSING_MS 600000
docs/operate/README.md: what they are for | 500 = lib/server/limits/address_limits.ts MAX_UNREGISTERED 500
docs/operate/README.md: remembers 50,000 addresses = lib/server/limits/address_limits.ts MAX_ADDRESSES 50000
docs/operate/README.md: costs 1.5 seconds = lib/server/limits/wrong_secrets.ts CHARGE 1500
docs/operate/README.md: a lockout of 30 seconds = lib/server/limits/wrong_secrets.ts LOCK_OUT_MS 30000
SECURITY.md: within 10 s = lib/program/program.ts END_MS 10000
`.trim().split("\n").map((line) => {
  const [, document, text, file, name, value] = /^(\S+): (.*) = (\S+) (\w+) (\d+)$/.exec(line)!;
  return { document: document!, text: text!, file: file!, name: name!, value: Number(value) };
});

/**
 * That each limit holds is tested where it belongs, mostly with a smaller number; nobody can wait
 * for a minute, or fill 64 MiB, in each run.
 */
Deno.test("the numbers that documents promise are those of the sources", () => {
  for (const { document, text, file, name, value } of PROMISES) {
    // Columns of tables are wider.
    assert.ok(
      read(document).replaceAll(/\s+/g, " ").includes(text),
      `"${text}" is not in ${document}`,
    );
    assert.equal(constant(file, name), value, `${document} promises: ${text}`);
  }
});
