import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import type { SessionInfo } from "../../lib/ssh/connection/handler.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";

const test = requires("ssh");

/** Whether a process is there and no zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

const ignore = Deno.build.os !== "linux";
if (ignore) console.log("skipped: tests that look at processes need /proc");

test({
  name: "closing the client kills what its shell runs, in the background and behind nohup too",
  ignore,
  async fn() {
    await using server = await TestSshServer.start();
    await using terminal = server.terminal([], []);
    await terminal.waitFor(/ready> /);
    terminal.write("sleep 1000 & echo first=$!\r");
    const [, background] = await terminal.waitFor(/first=(\d+)\r\n/);
    terminal.write("nohup sh -c 'trap \"\" HUP; sleep 1000' >/dev/null 2>&1 & echo second=$!\r");
    const [, stubborn] = await terminal.waitFor(/second=(\d+)\r\n/);
    terminal.write("sh -c 'echo third=$$; exec sleep 1000'\r");
    const [, foreground] = await terminal.waitFor(/third=(\d+)\r\n/);
    const pids = [background, stubborn, foreground].map(Number);
    for (const pid of pids) ok(isAlive(pid));
    await terminal[Symbol.asyncDispose]();
    await server.ended(1);
    for (const pid of pids) equal(isAlive(pid), false);
  },
});

test({
  name: "closing the client kills a command and what it has started",
  ignore,
  async fn() {
    await using server = await TestSshServer.start();
    await using ssh = server.start([], ["sleep 1000 & echo $! $$; wait"]);
    const [, child, parent] = await ssh.waitFor(/(\d+) (\d+)\n/);
    ssh.kill("SIGKILL");
    await server.ended(1);
    equal(isAlive(Number(child)), false);
    equal(isAlive(Number(parent)), false);
  },
});

test({
  name: "what a command leaves behind lives until the connection ends",
  ignore,
  async fn() {
    await using server = await TestSshServer.start();
    const control = ["-o", `ControlPath=${join(server.dir.path, "mux")}`];
    await using master = server.start([...control, "-M", "-N"], []);
    await server.logged(/ login /);
    const { stdout } = await server.ssh(control, ["sleep 1000 >/dev/null 2>&1 & echo $!"]);
    const pid = Number(stdout);
    ok(isAlive(pid));
    const again = await server.ssh(control, ["echo still here"]);
    equal(again.stdout, "still here\n");
    ok(isAlive(pid));
    master.kill();
    await server.ended(1);
    equal(isAlive(pid), false);
  },
});

test("a shell that ends with jobs in the background ends the session at once", async () => {
  await using server = await TestSshServer.start();
  await using terminal = server.terminal([], []);
  await terminal.waitFor(/ready> /);
  terminal.write("sleep 1000 & exit 6\r");
  equal(await terminal.exited, 6);
});

test("aborting serve() ends its connections, after the last words", async () => {
  let shell: SessionInfo | undefined;
  const server = await TestSshServer.start({ observer: { opened: (session) => shell = session } });
  await using terminal = server.terminal([], []);
  await terminal.waitFor(/ready> /);
  terminal.write("printf '\\033[?1049h'; echo full screen; sleep 1000\r");
  await terminal.waitFor(/\[\?1049hfull screen/);
  shell!.farewell!("the agent ends");
  await server[Symbol.asyncDispose]();
  await terminal.waitFor(/\[\?1049l[^]*the agent ends\r\n/);
  equal(await terminal.exited, 255);
});

test("20 shells at once on 5 connections have their own state", async () => {
  await using server = await TestSshServer.start();
  await using stack = new AsyncDisposableStack();
  const shells = Array.from({ length: 20 }, (_, index) => {
    const mux = join(server.dir.path, `mux${index % 5}`);
    const options = ["-o", `ControlPath=${mux}`, "-o", "ControlMaster=auto"];
    return { index, options };
  });
  const terminals = [];
  for (const { index, options } of shells) {
    const terminal = stack.use(server.terminal(options, []));
    terminals.push(terminal);
    await terminal.waitFor(/ready> /);
    terminal.write(`mine=${index}; cd /tmp; mkdir -p ${server.home.path}/d${index}\r`);
  }
  for (const [index, terminal] of terminals.entries()) {
    terminal.write(`cd ${server.home.path}/d${index}; echo =$mine= =$(pwd)=\r`);
  }
  for (const [index, terminal] of terminals.entries()) {
    await terminal.waitFor(new RegExp(`=${index}= =\\S+/d${index}=\r\n`));
  }
  equal(server.lines.filter((line) => / login /.test(line)).length, 5);
  // Those that share a connection end before the one that holds it.
  for (const [index, terminal] of [...terminals.entries()].reverse()) {
    terminal.write(`exit ${index}\r`);
    equal(await terminal.exited, index);
  }
});
