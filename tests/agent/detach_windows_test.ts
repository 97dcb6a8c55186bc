/** The agent for Windows beside a job, under Wine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ReportListener } from "../../lib/agent/control/report_home.ts";
import { builtDist } from "../support/dist.ts";
import { Program, run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { WineDirectory } from "../support/wine.ts";
import { type Announced, World } from "../support/world.ts";

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

const bound = "agent.exe in a job object asks for a start outside of it, under Wine";

test(bound, async () => {
  await using world = await World.start();
  await using directory = await WineDirectory.create();
  await directory.add(join(await builtDist(), "agent.exe"));
  Deno.writeTextFileSync(join(directory.path, ".authorized_keys"), world.publicKey);
  const options = ["--json", "--shell", "cmd.exe"];
  const [command, args] = directory.command("./agent.exe", [...options, "--hold", world.url]);
  await using outer = new Program(command, args);
  const announced: Announced = JSON.parse((await outer.waitFor(/^\{.*\}$/m))[0]);

  // A session is in a job object. Wine's PowerShell answers nothing, so the agent starts inside.
  const detach = ["agent.exe", "--detach", ...options, world.url].join(" ");
  await using inside = world.startSsh(announced, [detach], { interactive: true });
  await inside.waitFor(/the agent may end with this step: cannot start a program through WMI: /);
  const { id } = JSON.parse((await inside.waitFor(/^\{.*\}\r?$/m))[0]);
  assert.notEqual(id, announced.id);
});

test("an agent.exe that WMI has started reports on a connection, under Wine", async () => {
  await using world = await World.start();
  await using directory = await WineDirectory.create();
  await directory.add(join(await builtDist(), "agent.exe"));
  Deno.writeTextFileSync(join(directory.path, ".authorized_keys"), world.publicKey);
  using listener = new ReportListener();
  const env = { CONVERGE_DETACHED: listener.home };
  const start = ["--detach", "--json", "--shell", "cmd.exe", world.url];
  const [command, args] = directory.command("./agent.exe", start, { env });
  await using agent = new Program(command, args);
  const connection = (await listener.report())!;
  const reader = connection.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.endsWith("\0")) text += (await reader.read()).value ?? assert.fail(text);
  const announced: Announced = JSON.parse(text.slice(0, -1));
  assert.equal((await world.ssh(announced, ["echo in"])).stdout, "in\r\n");
  assert.equal(agent.stdout, "");
  await reader.cancel();
});
