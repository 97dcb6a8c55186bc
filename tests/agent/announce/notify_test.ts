import assert from "node:assert/strict";
import type { AnnouncementJson } from "../../../lib/agent/announce/announcement.ts";
import { type NotifyOptions, notifyUrl } from "../../../lib/agent/announce/notify.ts";
import { createLog } from "../../../lib/log/log.ts";

const ANNOUNCEMENT = { id: "job-1", text: "You can log in" } as AnnouncementJson;

/** A webhook that answers with `statuses` in turn; `secret` is in its URL. */
function webhook(...statuses: number[]) {
  const bodies: unknown[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    assert.equal(request.method, "POST");
    assert.equal(request.headers.get("content-type"), "application/json");
    bodies.push(await request.json());
    const status = statuses.shift()!;
    return new Response(null, { status, headers: { location: "/elsewhere" } });
  });
  const url = new URL(`http://127.0.0.1:${server.addr.port}/hooks/secret`);
  return { server, url, bodies };
}

/** Posts, and returns what was logged. */
async function notify(url: URL, options: Partial<NotifyOptions> = {}): Promise<string> {
  let lines = "";
  const log = createLog({ level: "debug", write: (line) => lines += line });
  await notifyUrl(url, ANNOUNCEMENT, { log, retryAfter: [0, 0], ...options });
  assert.doesNotMatch(lines, /secret/, "the URL is never logged");
  return lines;
}

Deno.test("notifyUrl() posts the announcement as JSON", async () => {
  const { bodies, server, url } = webhook(204);
  await using _ = server;
  assert.match(await notify(url), /debug posted/);
  assert.deepEqual(bodies, [ANNOUNCEMENT]);
});

Deno.test("notifyUrl() tries again after a passing failure", async () => {
  const { bodies, server, url } = webhook(503, 429, 200);
  await using _ = server;
  const lines = await notify(url);
  assert.equal(bodies.length, 3);
  assert.match(lines, /cannot post to --notify-url reason="status 503" again=true/);
  assert.match(lines, /debug posted to --notify-url\n$/);
});

Deno.test("notifyUrl() gives up after two more tries", async () => {
  const { bodies, server, url } = webhook(500, 500, 500, 500);
  await using _ = server;
  assert.match(await notify(url), /reason="status 500" again=false\n$/);
  assert.equal(bodies.length, 3);
});

Deno.test("notifyUrl() does not repeat what was refused, and follows no redirect", async () => {
  for (const status of [404, 302]) {
    const { bodies, server, url } = webhook(status, 200);
    await using _ = server;
    assert.match(await notify(url), new RegExp(`reason="status ${status}" again=false\n$`));
    assert.equal(bodies.length, 1);
  }
});

Deno.test("notifyUrl() waits for an answer only so long", async () => {
  const never = Promise.withResolvers<Response>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => never.promise,
  );
  const url = new URL(`http://127.0.0.1:${server.addr.port}/secret`);
  const lines = await notify(url, { timeout: 50, retryAfter: [] });
  assert.match(lines, /reason="no answer within 0.05 s" again=false/);
  never.resolve(new Response());
  await server.shutdown();
});

Deno.test("notifyUrl() survives a webhook that is not there", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const url = new URL(`http://user:secret@127.0.0.1:${listener.addr.port}/secret?token=secret`);
  listener.close();
  const lines = await notify(url);
  assert.equal(lines.split("cannot post to --notify-url").length, 4, "three tries");
});

Deno.test("notifyUrl() stops trying when it is told to", async () => {
  const { bodies, server, url } = webhook(503, 200);
  await using _ = server;
  const stop = new AbortController();
  const log = createLog({ write: () => stop.abort() });
  await notifyUrl(url, ANNOUNCEMENT, { log, signal: stop.signal });
  assert.equal(bodies.length, 1);
});
