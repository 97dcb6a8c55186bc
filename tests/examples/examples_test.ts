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

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The values of inputs or parameters, which the file has to know. */
function withDefaults(
  known: Record<string, { default?: string } | null>,
  given: Record<string, string>,
): Record<string, string> {
  for (const name of Object.keys(given)) assert.ok(name in known, name);
  return Object.fromEntries(
    Object.entries(known).map(([name, input]) => [name, given[name] ?? input?.default ?? ""]),
  );
}

/** Lines of sh that set variables to texts with variables in them. */
function assignments(variables: Record<string, string>): string {
  return Object.entries(variables).map(([name, value]) => `${name}="${value}"`).join("\n");
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
  "gitlab-component.yml": (text) => {
    const { include: [{ inputs }], test } = parse(text, { strict: true });
    assert.equal(test.extends, ".converge");
    const [head, component] = read("templates/converge.yml").split(/^---$/m);
    const { spec } = parse(head!, { strict: true });
    const values = withDefaults(spec.inputs, inputs);
    const replaced = component!.replaceAll(
      /\$\[\[ inputs\.([\w-]+) \]\]/g,
      (_, name) => JSON.stringify(values[name]),
    );
    const { ".converge": job } = parse(replaced, { strict: true });
    return {
      shell: ["sh", "-c"],
      // GitLab replaces variables in variables, the shell here in its place.
      scripts: [test.script.join("\n"), `${assignments(job.variables)}\n${job.after_script[0]}`],
      env: {
        CI_JOB_ID: "17",
        CI_JOB_STATUS: "failed",
        CI_SERVER_URL: "https://gitlab.example",
        // There are no accounts to ask for keys.
        GITLAB_USER_LOGIN: "",
      },
      status: 0,
    };
  },
  "circleci.yml": (text) => {
    const { jobs: { test: { steps } } } = parse(text, { strict: true });
    const { commands } = parse(read("ci/circleci/orb.yml"), { strict: true });
    const { parameters, steps: [{ run }] } = commands.wait;
    const values = withDefaults(parameters, steps[2]["converge/wait"]);
    const expand = (text: string) =>
      text.replaceAll(/<< parameters\.([\w-]+) >>/g, (_, name) => values[name]!);
    assert.equal(expand(run.when), "on_fail");
    return {
      shell: ["bash", "-eo", "pipefail", "-c"],
      scripts: [steps[1].run, expand(run.command)],
      env: { CIRCLE_JOB: "te/st", CIRCLE_BUILD_NUM: "17", CIRCLE_NODE_INDEX: "0" },
      status: 0,
    };
  },
  "jenkins-shared-step.groovy": (text) => {
    assert.match(text, /converge server: env\.CONVERGE_URL, keys: env\.CONVERGE_KEYS\n/);
    const [, script] = /sh '''\n([^]*?)'''/.exec(read("vars/converge.groovy"))!;
    const [, test] = /sh '(.*)'/.exec(text)!;
    return {
      shell: ["sh", "-xe", "-c"],
      // In a Groovy string of three quotes a backslash is written twice.
      scripts: [test!, script!.replaceAll("\\\\", "\\")],
      env: { CONVERGE_ID: "app-17", CONVERGE_WAIT: "10m" },
      status: 0,
    };
  },
  "azure-pipelines.yml": (text) => {
    const { jobs: [{ steps }] } = parse(text, { strict: true });
    assert.equal(steps[1].condition, "failed()");
    return {
      shell: ["bash", "-e", "-c"],
      scripts: steps.map(({ bash }: { bash: string }) => bash),
      env: { BUILD_BUILDID: "17", SYSTEM_JOBATTEMPT: "1", TF_BUILD: "True" },
      status: 0,
    };
  },
  "buildkite.yml": (text) => ({
    shell: ["bash", "-e", "-c"],
    scripts: [parse(text, { strict: true }).steps[0].command.replaceAll("$$", "$")],
    env: { BUILDKITE_BUILD_NUMBER: "17", BUILDKITE_JOB_ID: "0190-abcd" },
    status: 2,
  }),
  "plain.sh": (text) => ({ shell: ["sh", "-c"], scripts: [text], env: {}, status: 2 }),
};

Deno.test("the component does nothing when the job has passed or was cancelled", async () => {
  const { scripts, shell: [command, ...options] } = JOBS["gitlab-component.yml"]!(
    read("examples/gitlab-component.yml"),
  );
  for (const CI_JOB_STATUS of ["success", "canceled"]) {
    const env = { CI_JOB_STATUS, CONVERGE_URL: "http://127.0.0.1:9", CONVERGE_KEYS: "" };
    const { code, stdout, stderr } = await run(command!, [...options, scripts[1]!], { env });
    assert.deepEqual([code, stdout, stderr], [0, "", ""], CI_JOB_STATUS);
  }
});

Deno.test("the example of the action uses inputs that it has", () => {
  const { jobs: { test: { steps } } } = parse(read("examples/github-action.yml"), { strict: true });
  withDefaults(parse(read("action.yml")).inputs, steps[1].with);
});

Deno.test("each example is tested", () => {
  // github_action_test.ts runs the action.
  const files = readdirSync(DIRECTORY)
    .filter((name) => !["README.md", "github-action.yml"].includes(name));
  assert.deepEqual(files.sort(), Object.keys(JOBS).sort());
});

for (const [name, readJob] of Object.entries(JOBS)) {
  requires("curl", "ssh")(`a person logs in to the failed job of examples/${name}`, async () => {
    const job = readJob(read(`examples/${name}`));
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
