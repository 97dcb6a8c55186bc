/** Two runs of a job in a row, with each kind of command that we write. */
import assert from "node:assert/strict";
import { otherLocalCommands } from "../../templates/assets/shared/local_commands.js";
import { makeChoices } from "../../templates/assets/shared/choices.js";
import { makeHome, writePrograms } from "../support/home.ts";
import { run, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { Terminal } from "../support/terminal.ts";
import { type Announced, World } from "../support/world.ts";

const test = requires("ssh", "zsh", "fish");

const SHELLS = ["sh", "dash", "bash", "zsh", "fish"];

/** A world, a person whose key may log in, and that person's programs. */
async function start() {
  const stack = new AsyncDisposableStack();
  const world = stack.use(await World.start());
  const home = stack.use(new TempDir());
  const { env, key } = await makeHome(home);
  writePrograms(home, ["wsproxy"]);
  return {
    world,
    env,
    /** Runs the job, and `act` while people can log in. */
    async job(
      more: Record<string, string>,
      act: (agent: Announced & { ssh: string }) => Promise<void>,
    ) {
      const agent = world.startAgent({ id: "job", authorizedKeys: key, env: more });
      await act(await agent.announced() as Announced & { ssh: string });
      agent.program.kill("SIGTERM");
      await agent.program.result();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The command for a shell that the usage page writes. */
function pageCommand({ url, http }: World, hostKey = ""): string {
  const choices = makeChoices({}, [], "job", hostKey);
  const blocks = otherLocalCommands({ http, ws: url, username: "converge" }, choices);
  return blocks.find(({ title }) => title === "A shell, by wsproxy")!.text;
}

/** `agent keygen`: the secret and the public line. */
async function keygen(): Promise<{ secret: string; hostKey: string }> {
  await using program = startEntry("agent.ts", ["keygen"]);
  const { code, stdout, stderr } = await program.result();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^[A-Za-z0-9+/=]+\n$/);
  assert.ok(!stderr.includes(stdout.trim()), "the secret is on stdout alone");
  const [hostKey] = /^ssh-ed25519 \S+$/m.exec(stderr)!;
  return { secret: stdout.trim(), hostKey };
}

test("the page's command works on each run, and shows the fingerprint to compare", async () => {
  await using person = await start();
  for (const _run of [1, 2]) {
    await person.job({}, async ({ fingerprint }) => {
      const command = `${pageCommand(person.world)} echo logged in`;
      await using terminal = new Terminal("sh", ["-c", command], { env: person.env });
      await terminal.waitFor(/\[fingerprint\]\)\? $/);
      terminal.write(`${fingerprint}\r`);
      await terminal.waitFor(/logged in/);
      assert.equal(await terminal.exited, 0);
    });
  }
});

test("with a key in a secret, one pinned command works on all runs and asks nothing", async () => {
  await using person = await start();
  const { secret, hostKey } = await keygen();
  const command = pageCommand(person.world, hostKey);
  let announced = "";
  for (const _run of [1, 2]) {
    await person.job({ CONVERGE_HOST_KEY: secret }, async (agent) => {
      assert.equal(agent.hostKey, hostKey);
      assert.equal(announced || agent.ssh, agent.ssh, "the agent's own command stays the same");
      announced = agent.ssh;
      // Both commands, and the page's in each shell.
      const shells = SHELLS.map((shell) => [shell, command] as const);
      for (const [shell, ssh] of [...shells, ["sh", agent.ssh] as const]) {
        const { code, stdout, stderr } = await run(
          shell,
          ["-c", `${ssh} -oBatchMode=yes 'echo in; env; printenv CONVERGE_HOST_KEY'`],
          { env: person.env },
        );
        assert.equal(code, 1, stderr);
        assert.match(stdout, /^in$/m);
        assert.ok(!stdout.includes(secret), "sessions do not get the secret");
      }
    });
  }
  // Another key is refused, whatever the person answers.
  await person.job({ CONVERGE_HOST_KEY: "" }, async () => {
    const { code, stderr } = await run("sh", ["-c", `${command} true`], { env: person.env });
    assert.equal(code, 255);
    assert.match(stderr, /Host key verification failed/);
  });
});

test("the agent's own command works in each shell, on each run with that run's", async () => {
  await using person = await start();
  for (const _run of [1, 2]) {
    await person.job({}, async ({ ssh }) => {
      for (const shell of SHELLS) {
        const options = { env: { ...person.env, HOME: person.env.HOME! } };
        const { code, stdout, stderr } = await run(shell, ["-c", `${ssh} echo in`], options);
        assert.deepEqual([code, stdout], [0, "in\n"], `${shell}: ${stderr}`);
      }
    });
  }
});

test("a secret that is no key ends the agent, without showing it", async () => {
  await using agent = startEntry("agent.ts", ["ws://127.0.0.1:9"], {
    env: { CONVERGE_HOST_KEY: "not a key" },
  });
  const { code, stderr } = await agent.result();
  assert.equal(code, 1);
  assert.match(stderr, /cannot use CONVERGE_HOST_KEY: it is not a private key; make one with/);
  assert.doesNotMatch(stderr, /not a key;/);
});
