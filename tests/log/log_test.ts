import assert from "node:assert/strict";
import { createLog, type LogOptions } from "../../lib/log/log.ts";

function capture(options: LogOptions = {}) {
  const lines: string[] = [];
  const log = createLog({ now: () => 0, write: (line) => lines.push(line), ...options });
  return { log, lines };
}

Deno.test("createLog() writes one text line an event, absent fields left out", () => {
  const { log, lines } = capture();
  log.info("agent registered", { id: "job-1", clients: 2, comment: "a b", none: undefined });
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z info agent registered id=job-1 clients=2 comment="a b"\n',
  ]);
});

Deno.test("createLog() writes one JSON object a line", () => {
  const { log, lines } = capture({ format: "json" });
  log.error("cannot listen", { error: new Error("port in use"), port: 80 });
  assert.deepEqual(JSON.parse(lines[0]!), {
    time: "1970-01-01T00:00:00.000Z",
    level: "error",
    event: "cannot listen",
    error: "port in use",
    port: 80,
  });
});

Deno.test("createLog() leaves out what is less grave than its level", () => {
  const { log, lines } = capture({ level: "warn" });
  log.info("no");
  log.warn("yes");
  assert.equal(lines.length, 1);
});

Deno.test("createLog() lets no value forge a line or drive a terminal", () => {
  const { log, lines } = capture();
  log.info("refused", { user: "x\nerror all is lost", id: "\u001b[2J" });
  assert.equal(lines[0]!.split("\n").length, 2);
  assert.ok(!lines[0]!.includes("\u001b"));
});
