import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { getText } from "../../../lib/client/server_pages.ts";
import { updateProgram } from "../../../lib/client/setup/update.ts";
import { artifacts, runsHere, TARGETS } from "../../../lib/dist/targets.ts";
import { serveStatic } from "../../../lib/server/http/static_files.ts";
import { TempDir } from "../../support/program.ts";
import { startTestServer } from "../../support/server.ts";

/** The name of wsproxy for this machine on a server. */
const NAME = artifacts(TARGETS.filter(runsHere))
  .find(({ program, target }) => program === "wsproxy" && target !== undefined)!.name;

const sum = (text: string) => createHash("sha256").update(text).digest("hex");

/** A server that offers `offered` and lists the checksum of `listed`, and a program that is old. */
async function world(offered: string, listed: string) {
  const stack = new AsyncDisposableStack();
  const dist = stack.use(new TempDir());
  dist.write(NAME, offered);
  dist.write("SHA256SUMS", `${sum("x")}  ${NAME}.js\n${sum(listed)}  ${NAME}\n`);
  const home = stack.use(new TempDir());
  const executable = home.write("wsproxy", "old", 0o555);
  const server = stack.use(
    await startTestServer({ basePath: "/p" }, {
      staticFiles: (request, name) => serveStatic(request, name, { dirs: [dist.path] }),
    }),
  );
  const access = { server: new URL(server.ws), signal: new AbortController().signal };
  return {
    home,
    update: () => updateProgram(executable, access),
    read: () => Deno.readTextFileSync(executable),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("an update replaces the program by one that may be run, once", async () => {
  await using update = await world("new", "new");
  assert.equal(await update.update(), true);
  assert.equal(update.read(), "new");
  assert.equal(Deno.statSync(join(update.home.path, "wsproxy")).mode! & 0o777, 0o755);
  assert.equal(await update.update(), false);
});

Deno.test("a download with another checksum leaves the program, and nothing behind", async () => {
  await using update = await world("damaged", "new");
  await assert.rejects(update.update(), /does not match the server's checksum/);
  assert.equal(update.read(), "old");
  assert.deepEqual([...Deno.readDirSync(update.home.path)].map(({ name }) => name), ["wsproxy"]);
});

Deno.test("a server without the program for this system is named", async () => {
  await using server = await startTestServer({}, {
    staticFiles: () => Promise.resolve(new Response(`${sum("x")}  agent\n`)),
  });
  const access = { server: new URL(server.ws), signal: new AbortController().signal };
  await assert.rejects(
    updateProgram("/nowhere", access),
    /cannot update wsproxy: .* has no wsproxy for/,
  );
});

Deno.test("a list of checksums that does not end is given up", async () => {
  await using server = await startTestServer({}, {
    staticFiles: () => Promise.resolve(new Response("x".repeat(65_537))),
  });
  const access = { server: new URL(server.ws), signal: new AbortController().signal };
  await assert.rejects(
    getText(access, "static/SHA256SUMS"),
    /^Error: cannot get "static\/SHA256SUMS" from .*: more than 64 KiB/,
  );
});
