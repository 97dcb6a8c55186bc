import { equal, match } from "node:assert/strict";
import type { SessionInfo } from "../../lib/ssh/connection/handler.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";
import { Terminal } from "../support/terminal.ts";

const test = requires("ssh");

test("a shell in a terminal has a prompt, echo, UTF-8 and an exit status", async () => {
  await using server = await TestSshServer.start();
  await using terminal = server.terminal(["-o", "SendEnv=LC_ALL"], [], {
    env: { LC_ALL: "C.UTF-8" },
  });
  await terminal.waitFor(/ready> /);
  terminal.write("echo grün-$((6*7))\r");
  await terminal.waitFor(/echo grün-\$\(\(6\*7\)\)/);
  await terminal.waitFor(/grün-42\r\n/);
  await terminal.waitFor(/ready> /);
  terminal.write("ü\x7fecho erased\r");
  await terminal.waitFor(/\nerased\r\n/);
  terminal.write("exit 42\r");
  equal(await terminal.exited, 42);
});

test("a shell's terminal has the client's size and follows it", async () => {
  await using server = await TestSshServer.start();
  await using terminal = server.terminal([], [], { columns: 100, rows: 30 });
  await terminal.waitFor(/ready> /);
  terminal.write("stty size\r");
  await terminal.waitFor(/30 100\r\n/);
  terminal.resize(77, 22);
  terminal.write('until [ "$(stty size)" = "22 77" ]; do :; done; stty size\r');
  await terminal.waitFor(/22 77\r\n/);
  terminal.write("exit\r");
  equal(await terminal.exited, 0);
});

test("Ctrl-C interrupts what runs in a shell, and the shell lives on", async () => {
  await using server = await TestSshServer.start();
  await using terminal = server.terminal([], []);
  await terminal.waitFor(/ready> /);
  terminal.write("trap 'echo never' EXIT; (echo sleeping; sleep 1000)\r");
  await terminal.waitFor(/\nsleeping\r\n/);
  terminal.write("\x03");
  await terminal.waitFor(/ready> /);
  terminal.write("echo status $?; trap - EXIT; exit 5\r");
  await terminal.waitFor(/status 130\r\n/);
  equal(await terminal.exited, 5);
});

test("a shell starts in the given directory with the job's environment", async () => {
  await using server = await TestSshServer.start({
    session: {
      env: {
        PATH: "/usr/bin:/bin:/opt/of the job",
        CONVERGE_ID: "job-1",
        CONVERGE_PASSWORD: "secret",
        CONVERGE_AGENT_TOKEN: "secret",
        SHELLOPTS: "errexit",
      },
    },
  });
  await using terminal = server.terminal([], [], { env: { TERM: "xterm-256color" } });
  await terminal.waitFor(/ready> /);
  terminal.write("false; pwd; env; tty\r");
  await terminal.waitFor(new RegExp(`${server.home.path}\r\n`));
  await terminal.waitFor(/ready> /);
  const has = (line: RegExp) => match(terminal.output, line);
  has(/PATH=\/usr\/bin:\/bin:\/opt\/of the job\r\n/);
  has(/CONVERGE_ID=job-1\r\n/);
  has(/SSH_CONNECTION=127\.0\.0\.1 0 127\.0\.0\.1 0\r\n/);
  has(/TERM=xterm-256color\r\n/);
  const [, tty] = terminal.output.match(/SSH_TTY=(\S+)\r\n/)!;
  has(new RegExp(`\n${tty}\r\n`));
  equal(/secret/.test(terminal.output), false);
  terminal.write("exit\r");
  await terminal.exited;
});

test("terminal modes of the client are obeyed before the shell starts", async () => {
  await using server = await TestSshServer.start();
  await using person = new Terminal("sh", [
    "-c",
    'stty intr ^B erase ^H -ixon echoctl; exec ssh "$@"',
    ...["sh", ...server.args("-t"), "stty -a"],
  ]);
  await person.exited;
  match(person.output, /intr = \^B;/);
  match(person.output, /erase = \^H;/);
  match(person.output, /-ixon/);
  match(person.output, /[^-]iutf8/);
});

test("a shell without a terminal reads its commands from stdin", async () => {
  await using server = await TestSshServer.start();
  const result = await server.ssh(["-T"], [], { input: "echo out; echo err >&2; exit 4\n" });
  equal(result.stdout, "out\n");
  equal(result.stderr, "err\n");
  equal(result.code, 4);
});

test("a client may set harmless variables and not the agent's", async () => {
  await using server = await TestSshServer.start({
    session: { env: { PATH: "/usr/bin:/bin", CONVERGE_ID: "job-1" } },
  });
  const set = ["-o", "SetEnv=LC_TIME=de_DE FOO=bar CONVERGE_ID=forged SSH_CONNECTION=forged"];
  const { stdout } = await server.ssh(set, ["env"]);
  match(stdout, /^LC_TIME=de_DE$/m);
  match(stdout, /^FOO=bar$/m);
  match(stdout, /^CONVERGE_ID=job-1$/m);
  match(stdout, /^SSH_CONNECTION=127\.0\.0\.1 /m);
});

test("observers see sessions come and go, greet shells and speak in them", async () => {
  const seen: string[] = [];
  const opened = Promise.withResolvers<SessionInfo>();
  let inputs = 0;
  await using server = await TestSshServer.start({
    observer: {
      opened(session) {
        seen.push(`opened ${session.kind} ${session.pty}`);
        if (session.kind === "shell") opened.resolve(session);
      },
      closed: (session) => seen.push(`closed ${session.kind}`),
      input: () => inputs++,
      welcome: () => "be welcome\nin here\n",
    },
  });
  await server.ssh([], ["cat"], { input: "some" });
  await using terminal = server.terminal([], []);
  await terminal.waitFor(/be welcome\r\nin here\r\n[^]*ready> /);
  (await opened.promise).notify("five minutes left");
  await terminal.waitFor(/five minutes left/);
  const before = inputs;
  terminal.write("echo type");
  await terminal.waitFor(/echo type/);
  equal(inputs > before, true);
  (await opened.promise).farewell!("good bye");
  await terminal.waitFor(/good bye\r\n/);
  terminal.write("d\rexit 3\r");
  equal(await terminal.exited, 3);
  equal(/\ntyped/.test(terminal.output), false);
  await server.ended(2);
  equal(seen.join(", "), "opened exec false, closed exec, opened shell true, closed shell");
});
