/** Forwarding with OpenSSH's client, half-close kept on every way. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { succeed, writeSshConfig } from "../../support/clients.ts";
import { assertBackwards, assertEarlyEnd, BackwardsServer } from "../../support/half_close.ts";
import { Program, run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { freePort } from "../../support/sshd.ts";
import { type Agent, World } from "../../support/world.ts";

const test = requires("ssh");

/** An ssh connection that forwards are added to and taken from. */
class Master implements AsyncDisposable {
  private constructor(readonly control: string, readonly config: string) {}

  static async start(world: World, agent: Agent): Promise<Master> {
    const config = writeSshConfig(world, await agent.announced());
    const control = join(world.home.path, `control-${crypto.randomUUID().slice(0, 8)}`);
    // A process of its own in the background once it is logged in; its stderr must not stay ours.
    const script = `exec ssh -F ${config} -S ${control} -M -N -f job 2>${control}.log`;
    await succeed("bash", ["-c", script]);
    return new Master(control, config);
  }

  command(name: string, ...args: string[]) {
    return run("ssh", ["-F", this.config, "-S", this.control, "-O", name, ...args, "job"]);
  }

  /** Adds a forward. @returns the port of one that asks for any */
  async forward(...args: string[]): Promise<number> {
    const { code, stdout, stderr } = await this.command("forward", ...args);
    assert.equal(code, 0, stderr);
    return Number(stdout);
  }

  /** Takes a forward away; resolves when the agent knows. */
  async cancel(...args: string[]): Promise<void> {
    const { code, stderr } = await this.command("cancel", ...args);
    assert.equal(code, 0, stderr);
    // ssh has not waited for an answer; this one comes after it.
    await succeed("ssh", ["-F", this.config, "-S", this.control, "job", "true"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.command("exit");
  }
}

async function assertRefused(hostname: string, port: number): Promise<void> {
  await assert.rejects(Deno.connect({ hostname, port }), Deno.errors.ConnectionRefused);
}

test("ssh forwards ports and unix sockets both ways", async (t) => {
  await using world = await World.start();
  await using local = new TempDir();
  const agent = world.startAgent({ args: ["--hold"] });
  const [here, there] = [
    (name: string) => join(local.path, name),
    (name: string) => join(agent.dir.path, name),
  ];
  await using master = await Master.start(world, agent);
  const { config } = master;
  await using server = new BackwardsServer();
  await using _unixServer = new BackwardsServer(there("server.sock"));
  const target = `127.0.0.1:${server.port}`;

  await t.step("-L: a port to a port", async () => {
    const port = freePort();
    await master.forward("-L", `127.0.0.1:${port}:${target}`);
    await Promise.all([1, 2, 3].map(() => assertBackwards({ hostname: "127.0.0.1", port })));
    await assertBackwards({ hostname: "127.0.0.1", port }, 0);
  });

  await t.step("-L: a name stands for each of its addresses", async () => {
    const port = freePort();
    await master.forward("-L", `127.0.0.1:${port}:localhost:${server.port}`);
    await assertBackwards({ hostname: "127.0.0.1", port });
  });

  await t.step("-L: a unix socket to a unix socket, and each to a port", async () => {
    const port = freePort();
    await master.forward("-L", `${here("unix")}:${there("server.sock")}`);
    await master.forward("-L", `${here("port")}:${target}`);
    await master.forward("-L", `127.0.0.1:${port}:${there("server.sock")}`);
    await assertBackwards({ transport: "unix", path: here("unix") });
    await assertBackwards({ transport: "unix", path: here("port") });
    await assertBackwards({ hostname: "127.0.0.1", port });
  });

  await t.step("-L to where nobody listens ends that connection only", async () => {
    // No system gives this port to one who asks for any.
    const nobody = "127.0.0.1:1";
    await master.forward("-L", `${here("nobody")}:${nobody}`);
    await master.forward("-L", `${here("no-file")}:${there("missing.sock")}`);
    for (const path of [here("nobody"), here("no-file")]) {
      using conn = await Deno.connect({ transport: "unix", path });
      // An end or a reset.
      assert.ok(!await conn.read(new Uint8Array(1)).catch(() => null));
    }
    const direct = ["-F", config, "-oLogLevel=INFO", "-W", nobody, "job"];
    const { stderr } = await run("ssh", direct);
    assert.match(stderr, /open failed: connect failed: cannot connect to .*refused/i);
  });

  await requires("curl").step(t, {
    name: "-D: names are looked up in the job",
    fn: async () => {
      const port = freePort();
      await master.forward("-D", `127.0.0.1:${port}`);
      const proxy = ["-sS", "--socks5-hostname", `127.0.0.1:${port}`];
      const url = world.http.replace("127.0.0.1", "localhost");
      const { stdout } = await succeed("curl", [...proxy, `${url}/healthz`]);
      assert.match(stdout, /ok/i);
    },
  });

  await t.step("-W: stdin and stdout to a port", async () => {
    const { stdout } = await run("ssh", ["-F", config, "-W", target, "job"], { input: "olleh" });
    assert.equal(stdout, "hello");
  });

  await t.step("-R: any port, on loopback of both kinds, then cancelled", async () => {
    const port = await master.forward("-R", `0:${target}`);
    await assertBackwards({ hostname: "127.0.0.1", port });
    await assertBackwards({ hostname: "localhost", port });
    await assertRefused("127.0.0.2", port);
    await master.cancel("-R", `0:${target}`);
    await assertRefused("127.0.0.1", port);
  });

  await t.step("an end that the other side sends first leaves our direction open", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = freePort();
    await master.forward("-L", `127.0.0.1:${port}:127.0.0.1:${listener.addr.port}`);
    await assertEarlyEnd({ hostname: "127.0.0.1", port }, listener);
    const remote = await master.forward("-R", `0:127.0.0.1:${listener.addr.port}`);
    await assertEarlyEnd({ hostname: "127.0.0.1", port: remote }, listener);
  });

  await t.step("-R: a port of one's choice; a taken one is refused", async () => {
    const port = freePort();
    await master.forward("-R", `${port}:${target}`);
    await assertBackwards({ hostname: "127.0.0.1", port });
    const again = ["-F", config, "-oExitOnForwardFailure=yes", "-R", `${port}:${target}`];
    const { code, stderr } = await run("ssh", [...again, "job", "true"]);
    assert.equal(code, 255);
    assert.match(stderr, /remote port forwarding failed for listen port/);
    await master.cancel("-R", `${port}:${target}`);
    await assertRefused("127.0.0.1", port);
    await master.forward("-R", `${port}:${target}`);
    await assertBackwards({ hostname: "127.0.0.1", port });
  });

  await t.step("-R: all addresses are loopback without --allow-remote-bind", async () => {
    const port = await master.forward("-R", `*:0:${target}`);
    await assertBackwards({ hostname: "127.0.0.1", port });
    await assertRefused("127.0.0.2", port);
  });

  await t.step("-R: a unix socket for this user alone, then cancelled", async () => {
    const path = there("remote.sock");
    await using _server = new BackwardsServer(here("here.sock"));
    await master.forward("-R", `${path}:${here("here.sock")}`);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    await assertBackwards({ transport: "unix", path });
    await master.cancel("-R", `${path}:${here("here.sock")}`);
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  });

  await t.step("-R: what listens goes with the connection", async () => {
    const other = await Master.start(world, agent);
    const port = await other.forward("-R", `0:${target}`);
    await other.forward("-R", `${there("other.sock")}:${target}`);
    await assertBackwards({ transport: "unix", path: there("other.sock") });
    const [, number] = await agent.program.waitFor(/connection=(\d+) path=\S+other\.sock/);
    await other[Symbol.asyncDispose]();
    await agent.program.waitFor(new RegExp(`connection ended connection=${number} `));
    await assertRefused("127.0.0.1", port);
    assert.throws(() => Deno.statSync(there("other.sock")), Deno.errors.NotFound);
  });
});

test("--allow-remote-bind lets ssh -R listen where it says", async () => {
  await using world = await World.start();
  const agent = world.startAgent({ args: ["--hold", "--allow-remote-bind"] });
  await using master = await Master.start(world, agent);
  await using server = new BackwardsServer();
  const all = await master.forward("-R", `*:0:127.0.0.1:${server.port}`);
  await assertBackwards({ hostname: "127.0.0.2", port: all });
  const one = await master.forward("-R", `127.0.0.3:0:127.0.0.1:${server.port}`);
  await assertBackwards({ hostname: "127.0.0.3", port: one });
  await assertRefused("127.0.0.1", one);
  const unsaid = await master.forward("-R", `localhost:0:127.0.0.1:${server.port}`);
  await assertBackwards({ hostname: "127.0.0.1", port: unsaid });
  await assertRefused("127.0.0.2", unsaid);
});

test("ssh -A, X11 and keys that may not forward", async (t) => {
  await using world = await World.start();
  const agent = world.startAgent({ args: ["--hold"] });
  const config = writeSshConfig(world, await agent.announced());
  await using server = new BackwardsServer();
  const ssh = (...args: string[]) => run("ssh", ["-F", config, "-oLogLevel=INFO", ...args]);
  const socket = join(world.home.path, "agent.sock");
  await using sshAgent = new Program("ssh-agent", ["-D", "-a", socket]);
  await sshAgent.waitFor(/SSH_AUTH_SOCK/);
  await succeed("ssh-add", ["-q", world.key], { env: { SSH_AUTH_SOCK: socket } });
  const { stdout: fingerprint } = await succeed("ssh-keygen", ["-lf", world.key]);
  const forwardAgent = ["-A", `-oIdentityAgent=${socket}`, "job"];

  await t.step("-A: the session sees the keys, and its socket goes with it", async () => {
    const { stdout, stderr } = await ssh(...forwardAgent, "echo $SSH_AUTH_SOCK; ssh-add -l");
    const [path, keys] = stdout.split("\n");
    assert.equal(keys, fingerprint.trim(), stderr);
    // The socket is removed after the session's exit status has been sent.
    await ssh("job", "true");
    assert.throws(() => Deno.statSync(path!), Deno.errors.NotFound);
  });

  await t.step("without -A there is no agent", async () => {
    assert.equal((await ssh("job", "echo ${SSH_AUTH_SOCK-none}")).stdout, "none\n");
  });

  await t.step("X11 is refused, ssh says so, and the command runs", async () => {
    const env = { DISPLAY: "127.0.0.1:9" };
    const { stdout, stderr } = await run("ssh", [
      ...["-F", config, "-oLogLevel=INFO", "-oXAuthLocation=/bin/false", "-Y", "job"],
      "echo ${DISPLAY-none}",
    ], { env });
    assert.match(stderr, /X11 forwarding request failed on channel 0/);
    assert.equal(stdout, `${Deno.env.get("DISPLAY") ?? "none"}\n`);
  });

  for (
    const [options, ports, agents] of [
      ["restrict", false, false],
      ["no-port-forwarding", false, true],
      ["no-agent-forwarding", true, false],
      ["restrict,port-forwarding", true, false],
      ["restrict,agent-forwarding", false, true],
    ] as const
  ) {
    await t.step(`a key with ${options}`, async () => {
      agent.dir.write(".authorized_keys", `${options} ${world.publicKey}`);
      const target = `127.0.0.1:${server.port}`;
      const words = ["-F", config, "-oLogLevel=INFO", "-W", target, "job"];
      const direct = await run("ssh", words, { input: "olleh" });
      if (ports) assert.equal(direct.stdout, "hello");
      else assert.match(direct.stderr, /administratively prohibited: the key does not allow/);
      for (const listen of ["0", join(agent.dir.path, "listen.sock")]) {
        const remote = ["-oExitOnForwardFailure=yes", "-R", `${listen}:${target}`];
        assert.equal((await ssh(...remote, "job", "true")).code, ports ? 0 : 255);
      }
      const { stdout } = await ssh(...forwardAgent, "ssh-add -l 2>&1");
      assert.equal(stdout === fingerprint, agents, stdout);
    });
  }
});

const requiresAgent = requires("ssh", "ssh-agent");

requiresAgent(
  "ssh -A removes the sockets that killed agents have left, and no others",
  async () => {
    await using world = await World.start();
    await using dir = new TempDir();
    const socket = join(world.home.path, "agent.sock");
    await using sshAgent = new Program("ssh-agent", ["-D", "-a", socket]);
    await sshAgent.waitFor(/SSH_AUTH_SOCK/);
    const env = { TMPDIR: dir.path };
    const forwardAgent = ["-A", `-oIdentityAgent=${socket}`];
    const sockets = async () => {
      const agent = world.startAgent({ env });
      const script = "echo $SSH_AUTH_SOCK; cat";
      const args = [...forwardAgent, script];
      const ssh = world.startSsh(await agent.announced(), args, { interactive: true });
      const [, path] = await ssh.waitFor(/^(\/.*)\n/);
      return { agent, ssh, path: path! };
    };
    const killed = await sockets();
    killed.agent.program.kill("SIGKILL");
    await killed.agent.program.result();
    const living = await sockets();
    const next = await sockets();
    // The session is over when all of that is done.
    await next.ssh.closeInput();
    next.agent.program.kill("SIGTERM");
    await next.agent.program.result();
    assert.ok(existsSync(living.path));
    assert.ok(!existsSync(killed.path));
    // It waits for an agent that may come back, and so would what it has started.
    killed.ssh.kill("SIGTERM");
    await killed.ssh.result();
  },
);

/**
 * Directories for temporary files of jobs in which no socket can be, by what is wrong with them.
 */
const TEMPORARY: Record<string, (dir: TempDir) => string> = {
  "is too long for sockets": (dir) => join(dir.path, "x".repeat(100)),
  "is missing": (dir) => join(dir.path, "missing"),
  "is a file": (dir) => dir.write("file", ""),
};

for (const [what, path] of Object.entries(TEMPORARY)) {
  requiresAgent(`ssh -A works with a TMPDIR that ${what}`, async () => {
    await using world = await World.start();
    await using dir = new TempDir();
    const TMPDIR = path(dir);
    if (TMPDIR.includes("xxx")) Deno.mkdirSync(TMPDIR);
    const agent = world.startAgent({ env: { TMPDIR } });
    const config = writeSshConfig(world, await agent.announced());
    const socket = join(world.home.path, "agent.sock");
    await using sshAgent = new Program("ssh-agent", ["-D", "-a", socket]);
    await sshAgent.waitFor(/SSH_AUTH_SOCK/);
    const forwarded = ["-F", config, "-A", `-oIdentityAgent=${socket}`, "job"];
    const { stdout } = await run("ssh", [...forwarded, "ssh-add -l; echo $TMPDIR"]);
    assert.equal(stdout, `The agent has no identities.\n${TMPDIR}\n`);
  });
}

test("ssh -R listens at a path of the longest length", async () => {
  await using world = await World.start();
  const agent = world.startAgent();
  const config = writeSshConfig(world, await agent.announced());
  const path = join(agent.dir.path, "x".repeat(107 - 1 - agent.dir.path.length));
  await using server = new BackwardsServer();
  const listen = ["-oExitOnForwardFailure=yes", "-R", `${path}:127.0.0.1:${server.port}`];
  const { code, stderr } = await run("ssh", ["-F", config, ...listen, "job", `test -S ${path}`]);
  assert.equal(code, 0, stderr);
});
