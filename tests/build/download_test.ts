/** What people do: download programs from a server and meet, on machines that have nothing else. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type Announced, World } from "../support/world.ts";
import { snapshot } from "./support.ts";

const test = requires("curl", "ssh");
const ignore = Deno.build.target !== "x86_64-unknown-linux-gnu";

/** A machine of its own: a directory, and a PATH with little in it and no Deno. */
class Machine implements AsyncDisposable {
  readonly dir = new TempDir();

  constructor() {
    const bin = join(this.dir.path, "bin");
    Deno.mkdirSync(bin);
    for (const tool of ["sh", "cat", "ls"]) {
      Deno.symlinkSync(`/bin/${tool}`, join(bin, tool));
    }
  }

  async download(world: World, name: string): Promise<string> {
    const file = join(this.dir.path, name);
    const { code, stderr } = await run("curl", ["-sS", `${world.http}/static/${name}`, "-o", file]);
    assert.equal(code, 0, stderr);
    await Deno.chmod(file, 0o755);
    return file;
  }

  /**
   * Starts a program with nothing in its environment but what every machine has, and without a
   * directory for temporary files.
   */
  start(file: string, args: string[]): Program {
    const { path } = this.dir;
    const env = [`HOME=${path}`, `PATH=${join(path, "bin")}`, "TMPDIR=/nonexistent"];
    return new Program("env", ["-i", ...env, file, ...args], { cwd: path });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dir[Symbol.asyncDispose]();
  }
}

async function registered(agent: Program): Promise<Announced> {
  const [line] = await agent.waitFor(/^\{.*\}$/m);
  return JSON.parse(line);
}

/** A command, a terminal with its exit status, and a file, through `proxyCommand`. */
async function useAgent(world: World, agent: Announced, proxyCommand: string): Promise<void> {
  const proxy = `-oProxyCommand=${proxyCommand}`;
  const echo = await world.ssh(agent, [proxy, "echo $((6 * 7))"]);
  assert.deepEqual([echo.stdout, echo.code], ["42\n", 0], echo.stderr);
  const shell = await world.ssh(agent, [proxy, "-tt", "test -t 0 && exit 7"]);
  assert.equal(shell.code, 7, shell.stderr);
  await using there = new TempDir();
  const destination = `${agent.username}@localhost`;
  const sftp = await run(
    "sftp",
    ["-b", "-", ...world.sshOptions(agent, proxyCommand), destination],
    { input: "get .authorized_keys\n", cwd: there.path },
  );
  assert.equal(sftp.code, 0, sftp.stderr);
  const got = await Deno.readTextFile(join(there.path, ".authorized_keys"));
  assert.equal(got, world.publicKey);
}

test({
  name: "downloaded executables meet on machines without Deno",
  ignore,
  async fn(t) {
    const { dist } = await snapshot();
    await using world = await World.start(["--static-dir", dist]);
    await using job = new Machine();
    job.dir.write(".authorized_keys", world.publicKey);
    await using agent = job.start(await job.download(world, "agent"), ["--json", world.url]);
    const announced = await registered(agent);
    const url = `${world.url}/client/${announced.id}`;
    await using desk = new Machine();

    await t.step("by wsproxy", async () => {
      await useAgent(world, announced, `${await desk.download(world, "wsproxy")} ${url}`);
    });

    await t.step("by tunnel", async () => {
      await using tunnel = desk.start(await desk.download(world, "tunnel"), ["0", url]);
      const [, port] = await tunnel.waitFor(/listening on 127\.0\.0\.1:(\d+)/);
      const ssh = await world.ssh(announced, ["-oProxyCommand=none", `-oPort=${port}`, "echo in"]);
      assert.deepEqual([ssh.stdout, ssh.code], ["in\n", 0], ssh.stderr);
    });
  },
});

test({
  name: "agent and wsproxy run from a server, with no file but Deno",
  ignore,
  async fn() {
    const { dist } = await snapshot();
    await using world = await World.start(["--static-dir", dist]);
    await using job = new TempDir();
    job.write(".authorized_keys", world.publicKey);
    // Not everything may be loaded again: node-pty's library is open in this process too.
    const options = ["run", "-A", "--quiet", `--reload=${world.http}`];
    const deno = (name: string) => [...options, `${world.http}/static/${name}`];
    await using agent = new Program(
      Deno.execPath(),
      [...deno("agent.js"), "--json", world.url],
      { cwd: job.path },
    );
    const announced = await registered(agent);
    const wsproxy = [Deno.execPath(), ...deno("wsproxy.js")].join(" ");
    await useAgent(world, announced, `${wsproxy} ${world.url}/client/${announced.id}`);
  },
});
