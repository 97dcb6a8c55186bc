/** action.yml and its scripts, in the environment that GitHub's runner gives them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { makeChoices } from "../../templates/assets/shared/choices.js";
import { jobCommands } from "../../templates/assets/shared/job_commands.js";
import { makeCertificate } from "../support/certificate.ts";
import { makeHome, writePrograms } from "../support/home.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { Terminal } from "../support/terminal.ts";
import { World } from "../support/world.ts";

const ACTION = parse(readFileSync(join(ROOT, "action.yml"), "utf8"), { strict: true });

const test = requires("node", "ssh");

/** What GitHub puts in place of the expressions in the inputs' defaults. */
const EXPRESSIONS: Record<string, string> = {
  "github.job": "_te st",
  "github.run_number": "17",
  "github.run_attempt": "1",
  "strategy.job-index": "0",
};

/** A server with an agent to download, and a runner for one job. */
class Runner implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly workspace = new TempDir();
  readonly #stack = new AsyncDisposableStack();

  private constructor(readonly world: World, readonly files: TempDir) {
    for (const part of [world, files, this.temp, this.workspace]) this.#stack.use(part);
    for (const name of ["output", "state", "summary"]) this.temp.write(name, "");
  }

  /** @param agent the script that people would download; ours from source unless given */
  static async start(agent?: string, args: string[] = []): Promise<Runner> {
    const files = new TempDir();
    if (agent === undefined) writePrograms(files, ["agent"]);
    else files.write("agent", agent);
    const sum = createHash("sha256").update(Deno.readFileSync(`${files.path}/agent`)).digest("hex");
    files.write("SHA256SUMS", `${sum}  agent\n`);
    return new Runner(await World.start(["--static-dir", files.path, ...args]), files);
  }

  read(name: string): string {
    return Deno.readTextFileSync(join(this.temp.path, name));
  }

  /** The command in the outputs of the step that has ended. */
  get ssh(): string {
    return /^ssh=(.*)$/m.exec(this.read("output"))![1]!;
  }

  /** Starts a step of the action. */
  step(stage: "main" | "post", inputs: Record<string, string>, status = "success"): Program {
    const env: Record<string, string> = {
      GITHUB_ACTIONS: "true",
      GITHUB_ACTOR: "ann",
      GITHUB_EVENT_NAME: "push",
      GITHUB_WORKSPACE: this.workspace.path,
      GITHUB_OUTPUT: join(this.temp.path, "output"),
      GITHUB_STATE: join(this.temp.path, "state"),
      GITHUB_STEP_SUMMARY: join(this.temp.path, "summary"),
      RUNNER_TEMP: this.temp.path,
    };
    const values = { ...EXPRESSIONS, "job.status": status };
    const given = { server: this.world.http, ...inputs };
    for (const name of Object.keys(given)) assert.ok(name in ACTION.inputs, name);
    for (
      const [name, { default: text = "" }] of Object.entries<{ default?: string }>(ACTION.inputs)
    ) {
      const expanded = text.replaceAll(
        /\$\{\{ ([\w.-]+) \}\}/g,
        (_, path) => values[path as keyof typeof values],
      );
      env[`INPUT_${name.toUpperCase()}`] = given[name as keyof typeof given] ?? expanded;
    }
    for (const [, name, value] of this.read("state").matchAll(/^(\w+)=(.*)$/gm)) {
      env[`STATE_${name}`] = value!;
    }
    return this.#stack.use(new Program("node", [join(ROOT, ACTION.runs[stage])], { env }));
  }

  /** Removes the agent in the background, if a test failed before its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const agent = join(this.temp.path, "converge/agent");
    await run(agent, ["stop"], { cwd: this.workspace.path }).catch(() => {});
    await this.#stack.disposeAsync();
  }
}

/** A person whose key the inputs let in. */
async function startPerson(home: TempDir) {
  const { env, key } = await makeHome(home);
  writePrograms(home, ["wsproxy"]);
  return {
    inputs: { actor: "false", "authorized-keys": key },
    /** Opens a shell. */
    async logIn(ssh: string): Promise<Terminal> {
      const terminal = new Terminal("sh", ["-c", ssh], { env });
      await terminal.waitFor(/[$#] $/);
      return terminal;
    },
  };
}

for (
  const [when, status] of [["failure", "failure"], ["always", "success"], [
    "always",
    "failure",
  ]] as const
) {
  test(`the action waits for a person at the end of the job: ${when}, ${status}`, async () => {
    await using runner = await Runner.start();
    await using home = new TempDir();
    const person = await startPerson(home);
    const inputs = { ...person.inputs, when, "agent-token": "s3same" };
    const main = await runner.step("main", inputs).result();
    assert.equal(main.code, 0, main.stderr);
    assert.match(main.stdout, /^::notice title=Converge/m);
    assert.match(runner.read("output"), /^id=te-st-17-1-0$/m);
    assert.match(runner.read("summary"), /### Converge/);
    await using terminal = await person.logIn(runner.ssh);
    terminal.write("pwd; env | grep -c s3same\r");
    await terminal.waitFor(new RegExp(`${runner.workspace.path}\\r\\n0\\r\\n`));
    const post = runner.step("post", inputs, status);
    await post.waitFor(/The job waits: 1 shell open/);
    terminal.write("exit\r");
    const { code, stdout } = await post.result();
    assert.equal(code, 0, stdout);
  });
}

for (const [when, status] of [["failure", "success"], ["always", "cancelled"]] as const) {
  test(`the action ends the agent at the end of the job: ${when}, ${status}`, async () => {
    await using runner = await Runner.start();
    await using home = new TempDir();
    const person = await startPerson(home);
    const inputs = { ...person.inputs, when };
    assert.equal((await runner.step("main", inputs).result()).code, 0);
    await using terminal = await person.logIn(runner.ssh);
    const { code, stdout } = await runner.step("post", inputs, status).result();
    assert.equal(code, 0);
    assert.match(stdout, /ended with status 0: it was stopped by agent stop in the job/);
    await terminal.waitFor(/the agent ends: it was stopped/);
  });
}

test("a person can decide the outcome of a job that waits, and a cancelled one ends", async () => {
  await using home = new TempDir();
  const person = await startPerson(home);
  for (const [act, status] of [["decide", 3], ["cancel", 130]] as const) {
    await using runner = await Runner.start();
    assert.equal((await runner.step("main", person.inputs).result()).code, 0);
    await using terminal = await person.logIn(runner.ssh);
    const post = runner.step("post", person.inputs, "failure");
    await post.waitFor(/The job waits/);
    if (act === "cancel") post.kill("SIGINT");
    else terminal.write(`${runner.temp.path}/converge/agent end --status 3\r`);
    assert.equal((await post.result()).code, status);
    await terminal.exited;
  }
});

test("without detach the step itself waits, until its time is up", async () => {
  await using runner = await Runner.start();
  await using home = new TempDir();
  const person = await startPerson(home);
  const inputs = { ...person.inputs, detach: "false", options: "--hold\n--log-level debug" };
  const main = runner.step("main", inputs);
  const [, ssh] = await main.waitFor(/^ +(ssh -o.*)$/m);
  await using terminal = await person.logIn(ssh!);
  main.kill("SIGINT");
  assert.equal((await main.result()).code, 130);
  await terminal.waitFor(/the agent ends: the job was cancelled/);
  const post = await runner.step("post", inputs, "failure").result();
  assert.deepEqual([post.code, post.stdout], [0, ""], "there is nothing to wait for");
});

test("the actor's keys are the default, and secrets are no arguments", async () => {
  const agent = '#!/bin/sh\necho "$@"; echo "$CONVERGE_AGENT_TOKEN $CONVERGE_HOST_KEY"; env >&2\n';
  await using runner = await Runner.start(agent);
  runner.workspace.write("my ca.pem", "");
  const { code, stdout, stderr } = await runner.step("main", {
    "agent-token": "s3same",
    "host-key": "k3y",
    "github-users": "bob\n  carol",
    "ca-file": "my ca.pem",
    options: "--shell /bin/my shell\n--hold",
    id: "",
  }).result();
  assert.equal(code, 0, stderr);
  const args = "--detach --github-actor --github-user bob --github-user carol --expiry 10m " +
    `--ca-file my ca.pem --shell /bin/my shell --hold ${runner.world.http}`;
  assert.equal(stdout, `${args}\ns3same k3y\n`);
  assert.doesNotMatch(stderr, /^INPUT_/m);
});

const ECHO_ARGUMENTS = '#!/bin/sh\necho "$@"\n';

test("the step that the usage page writes is one of this action", async () => {
  await using runner = await Runner.start(ECHO_ARGUMENTS);
  const keys = ["ssh-ed25519 AAAA ann", "github:bob", "gitlab:carol"];
  const choices = makeChoices({ ci: "github" }, keys, "job-1", "ssh-ed25519 AAAAHOST");
  const { http, url: ws } = runner.world;
  const { text } = jobCommands({ http, ws, agentToken: true }, choices);
  const [{ with: inputs }] = parse(text, { strict: true });
  const { code, stdout } = await runner.step("main", inputs).result();
  assert.equal(code, 0, stdout);
  const file = `${runner.temp.path}/converge/authorized_keys`;
  assert.equal(
    stdout,
    `--detach --github-actor --github-user bob --authorized-keys ${file} --id job-1 ` +
      `--expiry 10m --gitlab-user carol ${http}\n`,
  );
  assert.equal(Deno.readTextFileSync(file), "ssh-ed25519 AAAA ann\n");
});

test("the address may lack its scheme, as the agent's may", async () => {
  await using runner = await Runner.start(ECHO_ARGUMENTS);
  const { host } = new URL(runner.world.http);
  for (const server of [host, `ws://${host}/`]) {
    const { code, stdout } = await runner.step("main", { server }).result();
    assert.equal(code, 0, stdout);
    assert.ok(stdout.endsWith(` ${server}\n`));
  }
});

requires("node", "openssl")("the download trusts the certificates of ca-file", async () => {
  await using dir = new TempDir();
  const { ca, cert, key } = await makeCertificate(dir);
  await using runner = await Runner.start(ECHO_ARGUMENTS, ["--tls-cert", cert, "--tls-key", key]);
  const server = runner.world.http.replace("http:", "https:");
  const without = await runner.step("main", { server }).result();
  assert.equal(without.code, 1);
  assert.match(without.stdout, /^::error .*cannot get .*SHA256SUMS: .*certificate/);
  // A file in the workspace is named as the agent finds it.
  Deno.copyFileSync(ca, join(runner.workspace.path, "my ca.pem"));
  for (const caFile of [ca, "my ca.pem"]) {
    const { code, stdout } = await runner.step("main", { server, "ca-file": caFile }).result();
    assert.equal(code, 0, stdout);
    assert.ok(stdout.endsWith(`--ca-file ${caFile} ${server}\n`), stdout);
  }
  const missing = await runner.step("main", { server, "ca-file": "none.pem" }).result();
  assert.match(missing.stdout, /::cannot use the input ca-file: ENOENT.*none\.pem/);
});

test("the action says what is wrong, as GitHub shows errors", async () => {
  await using runner = await Runner.start();
  const says = async (inputs: Record<string, string>) => {
    const { code, stdout, stderr } = await runner.step("main", inputs).result();
    assert.deepEqual([code, stderr], [1, ""]);
    return stdout;
  };
  assert.match(
    await says({ server: "" }),
    /^::error title=Converge::the input server is missing\n$/,
  );
  assert.match(await says({ when: "never" }), /"never" is not one of failure, always\n$/);
  const { http } = runner.world;
  assert.match(await says({ server: `${http}/wrong` }), /cannot get .*SHA256SUMS: 404 /);
  runner.files.write("SHA256SUMS", `${"0".repeat(64)}  agent\n`);
  assert.match(await says({}), /does not have the checksum that it lists\n$/);
  runner.files.write("SHA256SUMS", "");
  assert.match(await says({}), /has no agent\n$/);
  const post = await runner.step("post", {}, "failure").result();
  assert.deepEqual([post.code, post.stdout], [0, ""]);
});
