/** What every answer of the whole server carries, be it a page, a file or an error. */
import assert from "node:assert/strict";
import { TempDir } from "../support/program.ts";
import { type ServerProgram, startServerProgram } from "../support/server.ts";

/** One of each kind of answer, with its status where no password is given. */
const ANSWERS: [path: string, status: number][] = [
  ["/", 200],
  ["/usage", 200],
  ["/usage?new-id=1", 303],
  ["/downloads", 200],
  ["/sessions", 401],
  ["/api/sessions", 401],
  ["/api/sessions/events", 401],
  ["/metrics", 401],
  ["/healthz", 200],
  ["/readyz", 200],
  ["/nothing", 404],
  ["//nothing", 404],
  ["/%ff", 400],
  ["/client/nobody", 404],
  ["/client/-", 400],
  ["/agent/someone", 426],
  ["/static/browser/style.css", 200],
  ["/static/agent", 200],
  ["/static/nothing", 404],
];

function assertHarmless({ headers }: Response, what: string): void {
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; .*\bframe-ancestors 'none'$/, what);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/, what);
  assert.equal(headers.get("referrer-policy"), "no-referrer", what);
  assert.equal(headers.get("x-content-type-options"), "nosniff", what);
  assert.match(headers.get("cache-control") ?? "", /^no-(store|cache, no-transform)$/, what);
  assert.equal(headers.get("set-cookie"), null, what);
}

async function startServer(dir: TempDir): Promise<ServerProgram & AsyncDisposable> {
  dir.write("agent", "an executable");
  const password = dir.write("password", "sesame\n");
  return await startServerProgram(["--static-dir", dir.path, "--admin-password-file", password]);
}

Deno.test("every answer, errors too, carries what keeps it harmless in a browser", async () => {
  await using dir = new TempDir();
  await using server = await startServer(dir);
  for (const [path, status] of ANSWERS) {
    for (const method of ["GET", "HEAD"]) {
      const what = `${method} ${path}`;
      const response = await fetch(server.url + path, { method, redirect: "manual" });
      assert.equal(response.status, status, what);
      assertHarmless(response, what);
      const body = await response.text();
      assert.equal(body === "", method === "HEAD" || status === 303, what);
    }
    const response = await fetch(server.url + path, { method: "POST", body: "x" });
    assert.equal(response.status, 405, `POST ${path}`);
    assertHarmless(response, `POST ${path}`);
    await response.body?.cancel();
  }
});

Deno.test("what the administrator's password opens carries the same", async () => {
  await using dir = new TempDir();
  await using server = await startServer(dir);
  const headers = { authorization: `Basic ${btoa("admin:sesame")}` };
  for (const path of ["/sessions", "/api/sessions", "/api/sessions/events", "/metrics"]) {
    const response = await fetch(server.url + path, { headers });
    assert.equal(response.status, 200, path);
    assertHarmless(response, path);
    await response.body?.cancel();
  }
});
