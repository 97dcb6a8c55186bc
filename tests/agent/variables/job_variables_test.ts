import { equal } from "node:assert/strict";
import { join } from "node:path";
import { JobVariables } from "../../../lib/agent/variables/job_variables.ts";
import { createLog } from "../../../lib/log/log.ts";
import { succeed } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { TempDir } from "../../support/program.ts";

const log = createLog({ write: () => {} });

/** GitHub's runner, as far as its files go: new ones for each step, then the old ones removed. */
class Runner implements AsyncDisposable {
  readonly dir = new TempDir();
  #step = 0;
  env = "";
  path = "";

  constructor() {
    this.nextStep();
  }

  nextStep(): void {
    const before = [this.env, this.path];
    const step = ++this.#step;
    for (const file of before) if (file !== "") Deno.removeSync(file);
    this.env = this.dir.write(`set_env_${step}`, "");
    this.path = this.dir.write(`add_path_${step}`, "");
    this.dir.write(`set_output_${step}`, "OUTPUT=1\n");
  }

  /** What a step appends. */
  set(text: string): void {
    Deno.writeTextFileSync(this.env, text, { append: true });
  }

  addPath(directory: string): void {
    Deno.writeTextFileSync(this.path, `${directory}\n`, { append: true });
  }

  start(files: string[] = []): JobVariables {
    const env = { PATH: "/bin", GITHUB_ENV: this.env, GITHUB_PATH: this.path };
    return new JobVariables({ env, files, log });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
  }
}

const linuxOnly = { ignore: Deno.build.os !== "linux" };

Deno.test("JobVariables has what the running step sets, at once", async () => {
  await using runner = new Runner();
  runner.set("BEFORE=1\n");
  await using variables = runner.start();
  runner.set("AFTER=2\n");
  runner.addPath("/tools");
  const env = variables.current();
  equal(env.BEFORE, "1");
  equal(env.AFTER, "2");
  equal(env.PATH, "/tools:/bin");
  equal(env.OUTPUT, undefined);
});

Deno.test("JobVariables keeps what steps have set whose files were removed, unasked", async () => {
  await using runner = new Runner();
  await using variables = runner.start();
  for (let step = 1; step <= 5; step++) {
    runner.nextStep();
    runner.set(`SEEN=${step}\n`);
    equal(variables.current().SEEN, `${step}`);
    // What follows nobody asks for before the file is removed.
    runner.set(`STEP${step}=done\nLAST=${step}\n`);
    runner.addPath(`/step${step}`);
  }
  runner.nextStep();
  const env = variables.current();
  for (let step = 1; step <= 5; step++) equal(env[`STEP${step}`], "done");
  equal(env.LAST, "5");
  equal(env.PATH, "/step5:/step4:/step3:/step2:/step1:/bin");
});

Deno.test(
  "JobVariables opens a step's file soon after it appears, and no FIFO",
  linuxOnly,
  async () => {
    await using runner = new Runner();
    await using variables = runner.start();
    const opened = () =>
      [...Deno.readDirSync("/proc/self/fd")].some(({ name }) => {
        try {
          return Deno.readLinkSync(`/proc/self/fd/${name}`) === runner.env;
        } catch {
          return false;
        }
      });
    runner.nextStep();
    await succeed("mkfifo", [join(runner.dir.path, "set_env_fifo")]);
    await eventually(opened, () => "the file is not open");
    runner.set("A=1\n");
    runner.nextStep();
    equal(variables.current().A, "1");
  },
);

Deno.test("JobVariables reads --env-file again each time", async () => {
  await using dir = new TempDir();
  const path = join(dir.path, "build.env");
  await using variables = new JobVariables({ env: { A: "job" }, files: [path], log });
  equal(variables.current().A, "job");
  dir.write("build.env", "A=1\n");
  equal(variables.current().A, "1");
  dir.write("build.env", "A=2\n");
  equal(variables.current().A, "2");
  Deno.removeSync(path);
  equal(variables.current().A, "job");
});

Deno.test(
  "JobVariables reads no more than it may, and only regular files",
  linuxOnly,
  async () => {
    await using runner = new Runner();
    await using variables = runner.start([runner.dir.path, "/dev/zero"]);
    Deno.symlinkSync("/dev/zero", join(runner.dir.path, "set_env_zero"));
    runner.set(`A=1\n${"x=y\n".repeat(100_000)}B=1\n`);
    const env = variables.current();
    equal(env.A, "1");
    equal(env.B, undefined);
  },
);
