/** The agent for Windows beside a job, under Wine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { WineDirectory } from "../support/wine.ts";
import { World } from "../support/world.ts";

const test = requires("ssh", "wine");

const name = "agent.exe --detach, status, end and wait under Wine";

test(name, async () => {
  await using world = await World.start();
  await using directory = await WineDirectory.create();
  await directory.add(join(await builtDist(), "agent.exe"));
  Deno.writeTextFileSync(join(directory.path, ".authorized_keys"), world.publicKey);
  const agent = (...args: string[]) => run(...directory.command("./agent.exe", args));

  // cat ends when nobody holds the pipe any more. Wine itself keeps stderr open in all it starts.
  const start = ["--detach", "--json", "--shell", "cmd.exe", world.url];
  const [command, args] = directory.command("./agent.exe", start);
  const { stdout } = await run("sh", ["-c", '"$@" 2>/dev/null | cat', "sh", command, ...args]);
  const announced = JSON.parse(stdout);
  assert.match((await agent("status")).stdout, new RegExp(`^ID +${announced.id}\\s`));

  await using leaving = world.terminal(announced);
  await leaving.waitFor(/Z:\\\S*>/);
  leaving.write("exit 5\r");
  assert.equal(await leaving.exited, 5);

  await using deciding = world.terminal(announced);
  await deciding.waitFor(/Z:\\\S*>/);
  deciding.write("agent end --status 3\r");
  await deciding.waitFor(/Converge: the agent ends: it was stopped by agent end in .*\./);
  await deciding.exited;
  assert.equal((await agent("wait")).code, 3);
  assert.match((await agent("wait")).stderr, /cannot find an agent in "Z:/);
});
