/** Agents beside the job: --detach, wait, stop, status and end. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseStat } from "../../lib/process/posix/session.ts";
import { ReportListener } from "../../lib/agent/control/report_home.ts";
import { DetachedAgent } from "../support/detached_agent.ts";
import { gone } from "../support/processes.ts";
import { run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { shellReady } from "../support/shell_prompt.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

test("agent --detach returns once registered, and people can log in while the job goes on", async () => {
  await using world = await World.start();
  await using agent = new DetachedAgent(world);
  // The result is there only when nobody holds the step's pipes open any more.
  const { code, stdout, stderr } = await agent.detach(["--id", "job-1"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /you can log in to the job job-1/);
  assert.ok(!stdout.includes("\0"));
  assert.ok(agent.log.includes(stdout), "the log has it too");
  const lines = `${stdout}${stderr}`.trimEnd().split("\n");
  assert.ok(lines.length <= 8, `the job's log has at most eight lines:\n${lines.join("\n")}`);

  const hostKey = stdout.match(/KnownHostsCommand="\/bin\/echo \S+ (ssh-ed25519 \S+)"/)![1]!;
  const announced = { id: "job-1", username: "converge", hostKey, fingerprint: "" };
  const env = await world.ssh(announced, ["env; cat /proc/$PPID/stat"]);
  const { pid } = await agent.status();
  const { session, foreground } = parseStat(env.stdout.match(/^\d+ \(.*$/m)![0]);
  assert.deepEqual([session, foreground], [pid, -1], "a session without a terminal");
  assert.match(env.stdout, /^CONVERGE_ID=job-1$/m);
  assert.doesNotMatch(env.stdout, /CONVERGE_DETACHED/);

  // The last logout does not end it.
  await using terminal = world.terminal(announced);
  await shellReady(terminal);
  terminal.write("exit 5\r");
  assert.equal(await terminal.exited, 5);
  const status = await agent.run(["status"]);
  assert.equal(status.code, 0);
  assert.match(
    status.stdout,
    /^ID +job-1\n.*State +stays until the job is over\n.*in (6h|5h 59m), without/s,
  );
  assert.match(status.stdout, /\nFiles:\n {2}sftp -o.*\n.*\n {2}tunnel 10000 /s);
  assert.doesNotMatch(status.stdout, /cmd \/c/);
  assert.match((await agent.run(["status", "--windows"])).stdout, /\n {2}cmd \/c ">job-1/);
  assert.equal((await agent.status()).mode, "background");
});

test("agent --detach keeps nothing open that the job's step has open", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using world = await World.start();
  await using agent = new DetachedAgent(world);
  // cat ends when nobody holds any of its pipe's descriptors any more.
  const script = '{ "$@" 2>&1 | cat; } 3>&1 7>&1 | cat; echo step-is-over';
  const entry = join(Deno.cwd(), "agent.ts");
  const detach = ["run", "--no-check", "-A", entry, "--detach", "--id", "job-1", world.url];
  const { stdout } = await run("bash", ["-c", script, "bash", Deno.execPath(), ...detach], {
    cwd: agent.dir.path,
  });
  assert.match(stdout, /you can log in to the job job-1[^]*\nstep-is-over\n$/);
  assert.equal((await agent.status()).mode, "background");
});

test("agent end --status N in a shell decides the job's outcome", async () => {
  await using world = await World.start();
  await using agent = new DetachedAgent(world);
  const announced = await agent.announced();
  await using terminal = world.terminal(announced, [], { columns: 200 });
  await shellReady(terminal);
  const program = `${Deno.execPath()} run --no-check -A ${join(Deno.cwd(), "agent.ts")}`;
  terminal.write(`cd /; agent() { ${program} "$@"; }; agent end --status 3\r`);
  await terminal.waitFor(
    /Converge: the agent ends: it was stopped by agent end in a session from 127\.0\.0\.1\./,
  );
  await terminal.exited;
  const wait = await agent.run(["wait"]);
  assert.equal(wait.code, 3, wait.stderr);
  assert.match(wait.stdout, /ended with status 3: it was stopped by agent end in a session from/);
  assert.match(
    agent.log,
    /info the agent is ending reason=stopped status=3 by="agent end in a session from 127\.0\.0\.1"/,
  );
  // A second request finds nothing.
  const again = await agent.run(["wait"]);
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    /^agent: cannot find an agent in ".*": none was started there; .*CONVERGE_DIR/,
  );
});

test("agent wait", async (t) => {
  await using world = await World.start();

  await t.step("ends an agent in which nobody is, with 0", async () => {
    await using agent = new DetachedAgent(world);
    await agent.announced();
    const { code, stdout } = await agent.run(["wait"]);
    assert.equal(code, 0);
    assert.match(stdout, /ended with status 0: the job is over and no session is open/);
    assert.match(agent.log, /the agent is ending reason=released/);
  });

  await t.step("tells again how to log in, and waits for shells", async () => {
    await using agent = new DetachedAgent(world);
    const announced = await agent.announced();
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    await using wait = agent.start(["wait"]);
    await wait.waitFor(
      /you can log in to the job .*The job waits: 1 shell open\. Without input/s,
    );
    assert.equal((await agent.status()).mode, "waiting");
    terminal.write("exit\r");
    assert.equal((await wait.result()).code, 0);
  });

  await t.step("shows what goes on meanwhile", async () => {
    await using agent = new DetachedAgent(world);
    const announced = await agent.announced([
      "--hold",
      "--expiry",
      "1h",
      "--warning-time",
      "3598s",
    ]);
    await using wait = agent.start(["wait"]);
    await wait.waitFor(/The job waits: the hold file exists\./);
    await wait.waitFor(/warn the agent ends soon without input/);
    await using terminal = world.terminal(announced);
    await wait.waitFor(/info login .*comment=ann@example\.org\n/);
    await wait.waitFor(/info session opened kind=shell .*shells=1 sessions=1\n/);
    await wait.waitFor(/info the agent has more time/);
    await shellReady(terminal);
    terminal.write('rm "$CONVERGE_HOLD"\r');
    await wait.waitFor(/info hold file removed/);
    terminal.write("exit\r");
    const { code, stdout } = await wait.result();
    assert.equal(code, 0);
    assert.match(
      stdout,
      /session ended kind=shell .*is ending reason=released.*\nThe agent \S+ ended/s,
    );
  });

  await t.step("waits as long as the hold file exists, at most the expiry", async () => {
    await using agent = new DetachedAgent(world);
    await agent.announced(["--hold", "--expiry", "2s"]);
    const { code, stdout } = await agent.run(["wait"]);
    assert.equal(code, 0);
    assert.match(stdout, /ended with status 0: there was no input for too long/);
  });

  await t.step("passes on the status that a shell gives while it waits", async () => {
    await using agent = new DetachedAgent(world);
    await agent.announced(["--hold"]);
    await using wait = agent.start(["wait"]);
    await wait.waitFor(/The job waits/);
    const end = await agent.run(["end", "--status", "7"]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal((await wait.result()).code, 7);
  });

  for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
    await t.step(`cancelled by ${signal} ends the agent, its shells with a word`, async () => {
      await using agent = new DetachedAgent(world);
      const announced = await agent.announced();
      const { pid } = await agent.status();
      await using terminal = world.terminal(announced);
      await shellReady(terminal);
      await using wait = agent.start(["wait"]);
      await wait.waitFor(/The job waits/);
      wait.kill(signal);
      await terminal.waitFor(/the agent ends: the job was cancelled/);
      assert.equal((await wait.result()).code, status);
      await gone(pid);
    });
  }

  await t.step("says that the agent was killed, before it was asked for and after", async () => {
    await using agent = new DetachedAgent(world);
    await agent.announced(["--hold"]);
    const { pid } = await agent.status();
    await using wait = agent.start(["wait"]);
    await wait.waitFor(/The job waits/);
    Deno.kill(pid, "SIGKILL");
    const { code, stderr } = await wait.result();
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "agent: the agent disconnected; it was killed, or its log says why\n",
    );
    const again = await agent.run(["wait"]);
    assert.equal(again.code, 1);
    assert.match(
      again.stderr,
      new RegExp(`cannot find .*: process ${pid} does not run any more`),
    );
  });

  await t.step("works for an agent in the foreground too", async () => {
    const agent = world.startAgent({ args: ["--hold"] });
    await agent.announced();
    const dir = { CONVERGE_DIR: agent.dir.path };
    await using elsewhere = new DetachedAgent(world);
    await using wait = elsewhere.start(["wait"], dir);
    await wait.waitFor(/The job waits/);
    assert.equal((await elsewhere.run(["end", "--status", "9"], dir)).code, 0);
    assert.equal((await wait.result()).code, 9);
    assert.equal((await agent.program.result()).code, 9);
  });
});

test("agent stop ends the agent at once, its shells with a word", async () => {
  await using world = await World.start();
  await using agent = new DetachedAgent(world);
  const announced = await agent.announced(["--hold"]);
  const { pid } = await agent.status();
  await using terminal = world.terminal(announced);
  await shellReady(terminal);
  terminal.write("sleep 1000 & echo pid:$!:\r");
  const [, sleep] = await terminal.waitFor(/pid:(\d+):/);
  const { code, stdout } = await agent.run(["stop"]);
  assert.equal(code, 0);
  assert.match(stdout, /ended with status 0: it was stopped/);
  await terminal.waitFor(/the agent ends: it was stopped/);
  await Promise.all([gone(Number(sleep)), gone(pid)]);
  assert.equal((await agent.run(["wait"])).code, 0, "the job finds it ended");
});

for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  test(`${signal} to an agent in the background ends it, and agent wait tells`, async () => {
    await using world = await World.start();
    await using agent = new DetachedAgent(world);
    const announced = await agent.announced();
    const { pid } = await agent.status();
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    Deno.kill(pid, signal);
    await terminal.waitFor(/the agent ends: the job was cancelled/);
    await gone(pid);
    assert.equal((await agent.run(["wait"])).code, status);
  });
}

test("agent --detach that cannot start says why, and ends with the same status", async () => {
  await using world = await World.start(["--base-path", "/elsewhere"]);
  await using agent = new DetachedAgent(world);
  const { code, stdout, stderr } = await agent.detach();
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^agent: cannot register at ws:\/\/127\.0\.0\.1:\d+: .*404.*\n$/);
  assert.match(agent.log, /error the agent failed reason="cannot register/);
  const directory = await agent.detach(["--log-file", "/proc/none/agent.log"]);
  assert.equal(directory.code, 1);
  assert.match(directory.stderr, /agent: cannot write the log "\/proc\/none\/agent\.log": /);
  assert.equal((await agent.detach(["--shell", "/no/shell"])).code, 1);
  assert.equal((await agent.detach(["--expiry", "soon"])).code, 2);
  assert.equal((await agent.run(["end", "--status", "256"])).code, 2);
});

test("of several agents in a directory one is named with --id", async () => {
  await using world = await World.start();
  await using agent = new DetachedAgent(world);
  await agent.announced(["--id", "one"]);
  await agent.announced(["--id", "two", "--log-file", "logs/two.log"]);
  const { code, stderr } = await agent.run(["stop"]);
  assert.equal(code, 1);
  assert.match(stderr, /cannot choose an agent in ".*": there are one, two; name one with --id/);
  const other = await agent.run(["status", "--id", "three"]);
  assert.match(other.stderr, /cannot find the agent three/);
  const inSession = await agent.run(["status", "--json"], { CONVERGE_ID: "two" });
  assert.equal(JSON.parse(inSession.stdout).id, "two");
  assert.equal((await agent.run(["end", "--id", "one", "--status", "4"])).code, 0);
  assert.equal((await agent.run(["wait", "--id", "one"])).code, 4);
  assert.equal((await agent.status()).id, "two");
  assert.match(Deno.readTextFileSync(join(agent.dir.path, "logs/two.log")), /"id":"two"/);
});

test("a job of GitHub Actions knows how to log in when agent --detach returns", async () => {
  await using world = await World.start();
  await using agent = new DetachedAgent(world);
  const summary = agent.dir.write("summary", "");
  const output = agent.dir.write("output", "");
  const { code, stdout } = await agent.detach(["--id", "job-1"], {
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_OUTPUT: output,
  });
  assert.equal(code, 0);
  assert.match(stdout, /^::notice title=Converge%3A log in to job-1::ssh .*converge@localhost/m);
  assert.match(Deno.readTextFileSync(summary), /### Converge\n.*ID +job-1.*~~~~sh\nssh /s);
  assert.match(
    Deno.readTextFileSync(output),
    /^id=job-1\nuser=converge\nfingerprint=SHA256:\S+\nssh=ssh .*\n$/,
  );
});

test("an agent without pipes to what started it reports on a connection", async (t) => {
  await using world = await World.start();
  const start = async (args: string[]) => {
    using listener = new ReportListener();
    const env = { CONVERGE_DETACHED: listener.home };
    const agent = world.startAgent({ args: ["--detach", ...args], env });
    const connection = (await listener.report())!;
    const reader = connection.readable.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      if (text.endsWith("\0")) break;
    }
    await reader.cancel();
    return { agent, text };
  };

  await t.step("its announcement", async () => {
    const { agent, text } = await start([]);
    assert.ok(text.endsWith("\0"));
    const announced = JSON.parse(text.slice(0, -1));
    const { stdout } = await world.ssh(announced, ["echo ${CONVERGE_DETACHED-none}"]);
    assert.equal(stdout, "none\n");
    assert.equal(agent.program.stdout, "");
  });

  await t.step("why it cannot start", async () => {
    const { agent, text } = await start(["--shell", "/no/such/shell"]);
    assert.equal(text, 'agent: cannot use --shell "/no/such/shell": no such program\n');
    assert.equal((await agent.program.result()).code, 1);
  });
});
