/** A job whose directory its own user cannot enter; root can, so it takes another user. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { Program, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { CONTAINERS, RootDirectory } from "../support/root_directory.ts";
import { Agent, World } from "../support/world.ts";
import { ENVIRONMENTS } from "./environments.ts";

const ignore = !CONTAINERS || Deno.build.arch !== "x86_64";
const { needs, fill } = ENVIRONMENTS.find(({ name }) => name.startsWith("musl and busybox"))!;
const test = requires("ssh", ...needs);

for (const when of ["at the start", "later"]) {
  test(`in a directory that cannot be entered ${when}, sessions start above it`, {
    ignore,
  }, async () => {
    await using world = await World.start();
    await using root = new RootDirectory();
    await fill!(root);
    await root.add(join(await builtDist(), "agent"), "/bin/agent");
    await root.write("/etc/keys", world.publicKey);
    if (when === "at the start") await Deno.chmod(root.job, 0);
    const args = ["--authorized-keys", "/etc/keys", "--json", world.url];
    const program = new Program(...root.command("/bin/agent", args, { user: 1234 }));
    await using agent = new Agent(program, new TempDir(), world.url);
    const announced = await agent.announced();
    await Deno.chmod(root.job, 0);
    const { code, stdout, stderr } = await world.ssh(announced, ["pwd; exit 3"]);
    assert.deepEqual([code, stdout], [3, "/\n"]);
    assert.equal(
      stderr,
      'Converge: this session starts in "/": "/srv" was deleted or cannot be entered.\n',
    );
    await using terminal = world.terminal(announced, [], { columns: 200 });
    await terminal.waitFor(/this session starts in "\/": "\/srv" was deleted or cannot be entered/);
    terminal.write("exit 0\r");
    assert.equal(await terminal.exited, 0);
    assert.equal((await program.result()).code, 0, "the last shell has ended");
  });
}
