import assert from "node:assert/strict";
import { run } from "../../support/program.ts";
import { ROOT } from "../../support/root.ts";

/**
 * Opens websockets and drops them without a close frame, then prints how many bytes the server keeps
 * of each.
 */
const SCRIPT = `
import { startTestServer } from "${ROOT}/tests/support/server.ts";
import { TestSocket } from "${ROOT}/tests/support/test_socket.ts";
const COUNT = 500;
const server = await startTestServer({ logLevel: "error" });
async function lose(count) {
  for (let i = 0; i < count; i++) {
    const socket = await TestSocket.open(server.ws + "/client/job?wait=5m");
    socket.socket.terminate();
    await socket.closed;
  }
  while (server.load().connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  server.lines.length = 0;
  gc();
  return Deno.memoryUsage().heapUsed;
}
await lose(COUNT);
const before = await lose(COUNT);
console.log((await lose(COUNT) - before) / COUNT);
Deno.exit();
`;

Deno.test("the server keeps nothing of a peer that was lost", async () => {
  const args = ["eval", "--no-check", "--v8-flags=--expose-gc", SCRIPT];
  const { stdout, stderr } = await run(Deno.execPath(), args, { cwd: ROOT });
  assert.ok(Number(stdout) < 1_000, `${stdout} bytes ${stderr}`);
});
