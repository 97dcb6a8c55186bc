/** When a stream ends, and what is left then: nothing. */
import assert from "node:assert/strict";
import { descendants } from "../../bench/usage.ts";
import { Program, TempDir } from "../../support/program.ts";
import { gone } from "../../support/processes.ts";
import { requires } from "../../support/requires.ts";
import { CountingShell } from "../../support/resume/counting_shell.ts";
import { ResumeScene } from "../../support/resume/scene.ts";

const test = requires("ssh");

/** Ends a client's wsproxy, so that nobody says that the client has ended. */
function killWsproxy({ program }: CountingShell): void {
  for (const pid of descendants(program.pid, /wsproxy/)) Deno.kill(pid, "SIGKILL");
}

test("a client that never comes back: all it had is gone after --resume-time", async () => {
  await using scene = await ResumeScene.start({
    hold: false,
    agent: { args: ["--resume-time", "2s"] },
  });
  await using shell = await CountingShell.open(["-F", scene.config(), "job"]);
  const { pid } = shell;
  killWsproxy(shell);
  await scene.shown(([client]) => client?.away !== undefined);
  await gone(pid);
  // It was the only shell.
  const { code, stderr } = await scene.agent.program.result();
  assert.equal(code, 0, stderr);
});

test("a client that is away keeps its entry on the sessions page, and its shell", async () => {
  await using scene = await ResumeScene.start();
  await using shell = await CountingShell.open(["-F", scene.config(), "job"]);
  const [before] = await scene.shown(([client]) => client?.sessions.length === 1);
  await scene.links.client.reset();
  const [away] = await scene.shown(([client]) => client?.away !== undefined);
  assert.deepEqual(away!.sessions, ["shell"]);
  await scene.links.client.restore();
  await shell.type();
  const [back] = await scene.shown(([client]) => client !== undefined && !client.away);
  assert.deepEqual(back!.sessions, before!.sessions);
  assert.equal(back!.since, away!.since);
  await shell.stop();
});

test("a server that never comes back: ssh ends after --resume-time, with a line that says why", async () => {
  await using scene = await ResumeScene.start();
  const proxy = `ProxyCommand ${scene.proxyCommand("--resume-time", "1s")}`;
  await using shell = await CountingShell.open(["-F", scene.config(proxy), "job"]);
  await scene.killServer();
  const { code, stderr } = await shell.program.result();
  assert.equal(code, 255);
  assert.match(stderr, /^wsproxy: [^\n]+\n/m);
});

test("an agent that does not know the stream: ssh ends, with a line that says why", async () => {
  await using scene = await ResumeScene.start();
  await using shell = await CountingShell.open(["-F", scene.config(), "job"]);
  await scene.killServer();
  scene.agent.program.kill("SIGKILL");
  await scene.agent.program.result();
  await gone(shell.pid);
  await scene.restartServer();
  await scene.world.startAgent({ id: scene.announced.id }).announced();
  const { code, stderr } = await shell.program.result();
  assert.equal(code, 255);
  assert.match(stderr, /^wsproxy: [^\n]+\n/m);
});

test("a clean end is one at once: ssh is killed while bytes come", async () => {
  await using scene = await ResumeScene.start({ agent: { args: ["--resume-time", "1h"] } });
  const proxy = `ProxyCommand ${scene.proxyCommand("--resume-time", "1h")}`;
  // Nobody reads them, so they wait everywhere on their way.
  await using dir = new TempDir();
  const script = 'mkfifo full; exec 3<>full; ssh "$@" >&3 & echo $! >&2; wait';
  const args = ["-F", scene.config(proxy), "job", "echo $$ >&2; exec cat /dev/zero"];
  const { path: cwd } = dir;
  await using ssh = new Program("bash", ["-c", script, "ssh", ...args], { cwd });
  const [, client, session] = await ssh.waitFor(/^(\d+)\n(\d+)\n/);
  Deno.kill(Number(client), "SIGKILL");
  await gone(Number(session));
  await scene.shown(({ length }) => length === 0);
});

/** Ways to end that wait for nobody, though there is time to come back. */
const CLEAN_ENDS: Record<string, (shell: CountingShell, scene: ResumeScene) => unknown> = {
  "exit in the shell": (shell) => shell.stop(),
  "Ctrl-D": (shell) => shell.program.write("\x04"),
  "ssh is told to end": ({ program }) => program.kill("SIGTERM"),
  "ssh is killed": ({ program }) => program.kill("SIGKILL"),
  "wsproxy is told to end": ({ program }) => {
    for (const pid of descendants(program.pid, /wsproxy/)) Deno.kill(pid, "SIGTERM");
  },
  "the agent is told to end": (_shell, { agent }) => agent.program.kill("SIGTERM"),
};

for (const [name, end] of Object.entries(CLEAN_ENDS)) {
  test(`a clean end is one at once: ${name}`, async () => {
    await using scene = await ResumeScene.start({ agent: { args: ["--resume-time", "1h"] } });
    const proxy = `ProxyCommand ${scene.proxyCommand("--resume-time", "1h")}`;
    await using shell = await CountingShell.open(["-F", scene.config(proxy), "job"]);
    const { pid } = shell;
    await end(shell, scene);
    await shell.program.result();
    await gone(pid);
    await scene.shown(({ length }) => length === 0);
  });
}
