import assert from "node:assert/strict";
import { createLog } from "../../../lib/log/log.ts";
import { RepeatedLines } from "../../../lib/log/repeated_lines.ts";
import { logEvents } from "../../../lib/server/telemetry/log_events.ts";
import * as refusals from "../../../lib/server/rendezvous/refusals.ts";

Deno.test("logEvents() warns of who is refused, but not of each try while the server ends", () => {
  const lines: string[] = [];
  const written = createLog({ now: () => 0, write: (line) => void lines.push(line) });
  const log = logEvents(written, new RepeatedLines(written));
  const client = { type: "refused", who: "client", id: "job", address: "127.0.0.1" } as const;
  log({ ...client, refusal: refusals.draining });
  log({ ...client, refusal: refusals.tooManyClients("job", 3) });
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    / warn client refused address=127\.0\.0\.1 label=too-many-clients id=job /,
  );
});

Deno.test("logEvents() counts the refusals and drops of one address, and tells others apart", () => {
  const lines: string[] = [];
  let now = 0;
  const written = createLog({ now: () => 0, write: (line) => void lines.push(line) });
  const repeated = new RepeatedLines(written, () => now);
  const log = logEvents(written, repeated);
  const refused = (address: string, id: string) =>
    log({ type: "refused", who: "client", id, address, refusal: refusals.tooManyClients(id, 3) });
  for (let i = 0; i < 500; i++) {
    refused("2001:db8::1", `job-${i}`);
    refused(`2001:db8::${i}`, "job");
    const peer = `192.0.2.1:${i}`;
    log({ type: "dropped", label: "no-request", reason: "no request came in time", peer });
  }
  refused("192.0.2.1", "job");
  assert.equal(lines.splice(0).length, 3);
  now += 60_000;
  repeated.flush();
  assert.match(lines[0]!, /client refused, more .*address=2001:db8::1 label=.* count=999/);
  assert.match(lines[1]!, /connection dropped, more .*address=192\.0\.2\.1 .*count=499/);
  assert.equal(lines.length, 2);
});
