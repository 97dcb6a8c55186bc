/** Jobs whose user has no usual shell or directory: people get the next best, and a reason. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { shellReady } from "../support/shell_prompt.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

for (const shell of ["/usr/sbin/nologin", "/bin/false", "/no/such/shell"]) {
  test(`with SHELL=${shell} sessions use a real shell, and say so`, async () => {
    await using world = await World.start();
    const agent = world.startAgent({ env: { SHELL: shell } });
    const announced = await agent.announced();
    const { stdout, code } = await world.ssh(announced, ["echo $((6 * 7)) $SHELL; exit 3"]);
    assert.match(stdout, /^42 \/bin\/\w*sh\n$/);
    assert.equal(code, 3);
    await using terminal = world.terminal(announced, [], { columns: 200 });
    await terminal.waitFor(new RegExp(`Note: sessions use "/bin/\\w+": .* "${shell}" is `));
    await shellReady(terminal);
    assert.match(agent.program.stderr, new RegExp(`warn .*the user's shell .*${shell}`));
    terminal.write("exit 4\r");
    assert.equal(await terminal.exited, 4);
    // A real shell's end is the last logout.
    assert.equal((await agent.program.result()).code, 0);
  });
}

/** Shells that are there when the agent starts, and what a person sees of them. */
const BROKEN = [
  { name: "is deleted", content: "#!/bin/sh\n", remove: true, seen: /No such file/ },
  { name: "is no program", content: "\x7fELF, and no more", seen: /Exec format error/ },
  { name: "has no interpreter", content: "#!/no/such/interpreter\n", seen: /No such file/ },
  {
    name: "fails at once",
    content: "#!/bin/sh\necho no library >&2; exit 127\n",
    seen: /no library/,
  },
  {
    name: "is killed at once",
    content: "#!/bin/sh\necho no luck >&2; kill -9 $$\n",
    seen: /no luck/,
  },
];

for (const { name, content, remove, seen } of BROKEN) {
  test(`a shell that ${name} gives a reason and does not end the agent`, async () => {
    await using world = await World.start();
    await using tools = new TempDir();
    const shell = tools.write("shell", content, 0o755);
    const agent = world.startAgent({ args: ["--shell", shell] });
    const announced = await agent.announced();
    if (remove) Deno.removeSync(shell);
    const command = await world.ssh(announced, ["true"]);
    assert.match(command.stderr, seen);
    assert.notEqual(command.code, 0);
    await using terminal = world.terminal(announced);
    await terminal.waitFor(seen);
    assert.notEqual(await terminal.exited, 0);
    // It takes the next client.
    assert.match((await world.ssh(announced, ["true"])).stderr, seen);
  });
}

test("sessions start in the nearest directory that is left, and say so", async (t) => {
  await using world = await World.start();
  const dir = new TempDir();
  const agent = world.startAgent({
    dir,
    authorizedKeys: null,
    args: [
      ...["--authorized-keys", `${world.key}.pub`],
    ],
  });
  const announced = await agent.announced();
  Deno.removeSync(dir.path, { recursive: true });
  const parent = dirname(dir.path);
  const notice = new RegExp(`this session starts in "${parent}": "${dir.path}" was deleted`);

  await t.step("a command", async () => {
    const { stdout, stderr, code } = await world.ssh(announced, ["pwd"]);
    assert.equal(stdout, `${parent}\n`);
    assert.match(stderr, notice);
    assert.equal(code, 0);
  });

  await t.step("SFTP", async () => {
    const options = world.sshOptions(announced);
    const { code, stdout, stderr } = await run(
      "sftp",
      ["-b", "-", ...options, `${announced.username}@localhost`],
      { input: "pwd\n" },
    );
    assert.equal(code, 0, stderr + agent.program.stderr);
    assert.match(stdout, new RegExp(`Remote working directory: ${parent}\n`));
    assert.match(stderr, notice);
  });

  await t.step("a terminal", async () => {
    await using terminal = world.terminal(announced, [], { columns: 300 });
    await terminal.waitFor(notice);
    await shellReady(terminal);
  });

  Deno.mkdirSync(dir.path);
});
