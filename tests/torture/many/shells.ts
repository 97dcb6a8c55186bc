/** Many shells at once, each with its own bytes. */
import assert from "node:assert/strict";
import { randomBytes } from "../../support/clients.ts";
import { Program } from "../../support/program.ts";
import { residentMemory } from "../../support/stalled.ts";
import { World } from "../../support/world.ts";

/** How many log in at the same time: the agent refuses some beyond 100. */
const LOGINS = 20;

/** How much each sends, and gets back, in bytes. */
const SIZE = 300_000;

/** What was seen; times in milliseconds, memory in bytes. */
export interface Shells {
  loginMs: number;
  transferMs: number;
  bytes: number;
  serverMemory: number;
  agentMemory: number;
}

/** Opens `count` shells of one agent and sends bytes through all at once. */
export async function shells(count: number): Promise<Shells> {
  const places = String(count + 10);
  await using world = await World.start([
    ...["--max-clients-per-agent", places, "--max-clients-per-address", places],
  ]);
  const agent = world.startAgent({ args: ["--hold"] });
  const announced = await agent.announced();
  const [, port] = await world.startTunnel(announced.id).waitFor(/127\.0\.0\.1:(\d+)/);
  const options = world.tunnelOptions(announced, Number(port));
  const args = [...options, "-T", `${announced.username}@127.0.0.1`];
  await using open = new AsyncDisposableStack();
  const start = performance.now();
  const shells: Program[] = [];
  const logIn = async () => {
    while (shells.length < count) {
      const shell = open.use(new Program("ssh", args, { interactive: true }));
      shells.push(shell);
      await shell.write("echo in; exec cat\n");
      await shell.waitFor(/^in\n/);
    }
  };
  await Promise.all(Array.from({ length: LOGINS }, logIn));
  const loggedIn = performance.now();
  await Promise.all(shells.map(async (shell, i) => {
    const sent = randomBytes(SIZE);
    await shell.write(sent);
    await shell.closeInput();
    const { code, bytes, stderr } = await shell.result();
    assert.equal(code, 0, stderr);
    assert.deepEqual(bytes.subarray(3), sent, `shell ${i}`);
  }));
  return {
    loginMs: loggedIn - start,
    transferMs: performance.now() - loggedIn,
    bytes: count * SIZE,
    serverMemory: residentMemory(world.server.pid),
    agentMemory: residentMemory(agent.program.pid),
  };
}
