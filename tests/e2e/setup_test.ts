/** `wsproxy setup` with the programs that people use, in a home of their own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type ProgramOptions,
  type ProgramResult,
  run,
  startEntry,
  TempDir,
} from "../support/program.ts";
import { homeEnv } from "../support/home.ts";
import { inHome } from "../support/passwd_home.ts";
import { requires } from "../support/requires.ts";
import { Terminal } from "../support/terminal.ts";
import { World } from "../support/world.ts";

const test = requires("ssh", "unshare");

/** A person with a key, who has set up the world's server. */
class Person implements AsyncDisposable {
  readonly home = new TempDir();
  readonly env = homeEnv(this.home.path);

  static async setUp(world: World, args: string[] = []): Promise<Person> {
    const person = new Person();
    Deno.mkdirSync(join(person.home.path, ".ssh"), { mode: 0o700 });
    Deno.copyFileSync(world.key, join(person.home.path, ".ssh/id_ed25519"));
    await using setup = startEntry("wsproxy.ts", ["setup", ...args, world.http], {
      env: person.env,
    });
    const { code, stderr } = await setup.result();
    assert.equal(code, 0, stderr);
    return person;
  }

  run(command: string[], options?: ProgramOptions): Promise<ProgramResult> {
    return run(...inHome(this.home.path, command), { env: this.env, ...options });
  }

  terminal(command: string[]): Terminal {
    return new Terminal(...inHome(this.home.path, command), { env: this.env });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.home[Symbol.asyncDispose]();
  }
}

test("ssh ID.converge works on each run of a job, and asks once about each key", async () => {
  await using world = await World.start();
  await using person = await Person.setUp(world);
  let earlier = "";
  for (const run of ["first", "second"]) {
    const agent = world.startAgent({ id: "Job-1.a" });
    const { fingerprint } = await agent.announced();
    const ssh = ["ssh", "Job-1.a.converge", "echo", "this is", `the ${run}`, "run"];
    const silent = await person.run([...ssh.slice(0, 1), "-oBatchMode=yes", ...ssh.slice(1)]);
    assert.equal(silent.code, 255);
    assert.doesNotMatch(silent.stderr, /IDENTIFICATION HAS CHANGED/);
    await using terminal = person.terminal(ssh);
    await terminal.waitFor(/fingerprint is (SHA256:\S+)\.[\s\S]*\? $/);
    assert.ok(terminal.output.includes(fingerprint));
    terminal.write(`${fingerprint}\r`);
    await terminal.waitFor(new RegExp(`this is the ${run} run`));
    assert.equal(await terminal.exited, 0, terminal.output);
    const again = await person.run([...ssh.slice(0, 1), "-oBatchMode=yes", ...ssh.slice(1)]);
    assert.equal(again.code, 0, again.stderr);
    // The key of the run before is told apart from one that was never seen.
    assert.equal(/another host key than the last time/.test(silent.stderr), earlier !== "");
    earlier = fingerprint;
    agent.program.kill("SIGTERM");
    await agent.program.result();
  }
});

test("a key that a person pinned in their own known_hosts is never asked about or dropped", async () => {
  await using world = await World.start();
  await using person = await Person.setUp(world);
  const agent = world.startAgent({ id: "job" });
  const { hostKey } = await agent.announced();
  const pin = (key: string) => person.home.write(".ssh/known_hosts", `*.converge ${key}\n`);
  pin(hostKey);
  const ssh = ["ssh", "-oBatchMode=yes", "job.converge", "true"];
  const trusted = await person.run(ssh);
  assert.equal(trusted.code, 0, trusted.stderr);
  pin(world.publicKey.split(" ").slice(0, 2).join(" "));
  const other = await person.run(ssh);
  assert.equal(other.code, 255);
  assert.match(other.stderr, /IDENTIFICATION HAS CHANGED/);
});

requires("ssh", "unshare", "rsync", "git")(
  "sftp, scp, rsync and git take ID.SUFFIX as it is",
  async () => {
    await using world = await World.start(["--username", "builder", "--base-path", "/relay"]);
    const files = new TempDir();
    files.write("there", "42");
    await run("git", ["init", "-q", "--bare", "repository"], { cwd: files.path });
    const agent = world.startAgent({ id: "job", dir: files, url: `${world.url}/relay` });
    const { hostKey } = await agent.announced();
    const relay = { http: `${world.http}/relay`, key: world.key } as World;
    await using person = await Person.setUp(relay, ["--suffix", "acme"]);
    person.home.write(".ssh/known_hosts", `job.acme ${hostKey}\n`);
    const script = `cd "$HOME"
      echo get there one | sftp -q -b - job.acme
      scp -q job.acme:there two
      rsync job.acme:there three
      git clone -q job.acme:repository four
      cat one two three; ls -d four`;
    const { code, stdout, stderr } = await person.run(["sh", "-e", "-c", script]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.split("\n").slice(-2)[0], "424242four");
  },
);

/** A port that nothing listens on. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

test("setup says at once what is wrong with an address", async () => {
  await using world = await World.start();
  await using home = new TempDir();
  const says = async (...args: string[]) => {
    await using setup = startEntry("wsproxy.ts", ["setup", ...args], {
      env: homeEnv(home.path),
    });
    const { code, stderr } = await setup.result();
    assert.ok(![...Deno.readDirSync(home.path)].some(({ name }) => name === ".ssh"));
    return `${code} ${stderr}`;
  };
  assert.match(
    await says(`${world.http}/wrong`),
    /^1 wsproxy: cannot use "127\.0\.0\.1:\d+\/wrong": no Converge server answers there \(404 Not Found\); check the address and its path\n$/,
  );
  assert.match(await says(world.http.replace("http", "https")), /does not speak TLS on this port/);
  assert.match(
    await says(`http://127.0.0.1:${closedPort()}`),
    /^1 .*: connection refused; check the port/,
  );
  assert.match(await says(world.http.replace("//", "//a:b@")), /^2 .*a URL with a login/);
  assert.match(await says(), /^2 wsproxy: .*URL is missing/);
});
