/** The files of examples/ against a real server: a job fails, a person logs in, and it ends. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { makeHome, writePrograms } from "../support/home.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { Terminal } from "../support/terminal.ts";
import { World } from "../support/world.ts";

const DIRECTORY = join(ROOT, "examples");

/** A job as its CI system runs it: scripts with a shell each; the last one is Converge's. */
interface Job {
  shell: string[];
  scripts: string[];
  /** What the CI system sets. */
  env: Record<string, string>;
  /** What the job ends with when `make test` has failed with 2. */
  status: number;
  /** Whether the job fails only when the person is in. */
  beside?: boolean;
}

const JOBS: Record<string, (text: string) => Job> = {
  "github-actions.yml": (text) => {
    const { steps } = parse(text, { strict: true }).jobs.test;
    const [, , converge] = steps;
    assert.equal(converge.if, "failure()");
    for (const [name, value] of Object.entries(converge.env)) {
      assert.equal(value, `\${{ vars.${name} }}`);
    }
    return {
      shell: ["bash", "-e", "-c"],
      scripts: steps.slice(1).map(({ run }: { run: string }) => run),
      env: { GITHUB_RUN_ID: "17", GITHUB_RUN_ATTEMPT: "1" },
      status: 0,
    };
  },
  "gitlab-ci.yml": (text) => ({
    shell: ["sh", "-e", "-c"],
    scripts: [parse(text, { strict: true }).test.script.join("\n")],
    env: { CI_JOB_ID: "17" },
    status: 2,
    beside: true,
  }),
  "Jenkinsfile": (text) => ({
    shell: ["sh", "-xe", "-c"],
    scripts: [...text.matchAll(/sh '(?!'')(.*)'|sh '''\n([^]*?)'''/g)]
      .map(([, line, lines]) => line ?? lines!),
    env: { JOB_BASE_NAME: "app", BUILD_NUMBER: "17" },
    status: 0,
  }),
  "plain.sh": (text) => ({ shell: ["sh", "-c"], scripts: [text], env: {}, status: 2 }),
};

Deno.test("each example is tested", () => {
  const files = readdirSync(DIRECTORY).filter((name) => name !== "README.md");
  assert.deepEqual(files.sort(), Object.keys(JOBS).sort());
});

for (const [name, read] of Object.entries(JOBS)) {
  requires("curl", "ssh")(`a person logs in to the failed job of examples/${name}`, async () => {
    const job = read(readFileSync(join(DIRECTORY, name), "utf8"));
    await using home = new TempDir();
    const person = await makeHome(home);
    writePrograms(home, ["wsproxy"]);
    await using files = new TempDir();
    writePrograms(files, ["agent"]);
    await using world = await World.start(["--static-dir", files.path]);
    await using directory = new TempDir();
    await using bin = new TempDir();
    const failure = join(directory.path, "failure");
    bin.write("make", `#!/bin/sh\n${job.beside ? `cat '${failure}'` : ""}\nexit 2\n`, 0o755);
    if (job.beside) assert.equal((await run("mkfifo", [failure])).code, 0);
    const env = {
      ...job.env,
      PATH: `${bin.path}:${Deno.env.get("PATH")}`,
      CONVERGE_URL: world.http,
      CONVERGE_KEYS: person.key,
    };
    // An agent in the background outlives a test that fails.
    await using stack = new AsyncDisposableStack();
    stack.defer(async () => void await run("sh", ["-c", "./agent stop"], { cwd: directory.path }));
    const [command, ...options] = job.shell;
    const start = (script: string) =>
      new Program(command!, [...options, script], { cwd: directory.path, env });

    for (const script of job.scripts.slice(0, -1)) {
      await using step = start(script);
      assert.equal((await step.result()).code, 2);
    }
    await using step = start(job.scripts.at(-1)!);
    const [, ssh] = await step.waitFor(/^ *(ssh -o.*wsproxy.*)$/m);
    await using terminal = new Terminal("sh", ["-c", ssh!], { env: person.env });
    await terminal.waitFor(/[$#] $/);
    terminal.write("pwd\r");
    await terminal.waitFor(new RegExp(`${directory.path}\\r\\n`));
    if (job.beside) Deno.writeTextFileSync(failure, "failed\n");
    terminal.write('rm -f "$CONVERGE_HOLD"; exit\r');
    const { code, stderr } = await step.result();
    assert.equal(code, job.status, stderr);
  });
}
