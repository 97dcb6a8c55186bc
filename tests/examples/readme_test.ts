/** The two lines at the top of the README, against a real server. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeHome, writePrograms } from "../support/home.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { World } from "../support/world.ts";

requires("curl", "ssh")(
  "the lines of the README for the job and for ssh work as they are",
  async () => {
    await using home = new TempDir();
    const { env, key } = await makeHome(home);
    writePrograms(home, ["wsproxy"]);
    await using files = new TempDir();
    writePrograms(files, ["agent"]);
    await using world = await World.start(["--static-dir", files.path]);
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const [forJob, forPerson] = [...readme.matchAll(/```sh\n(.*)\n```/g)].map(([, line]) =>
      line!.replaceAll("https://converge.example", world.http)
        .replaceAll("wss://converge.example", world.url)
    );

    await using directory = new TempDir();
    directory.write(".authorized_keys", key);
    await using job = new Program("sh", ["-c", forJob!], { cwd: directory.path });
    await job.waitFor(/job-42/);
    const question = "-oStrictHostKeyChecking=no";
    const command = forPerson!.replace("ssh ", `ssh ${question} `);
    const { stdout, stderr } = await run("sh", ["-c", `${command} pwd`], { env });
    assert.equal(stdout, `${directory.path}\n`, stderr);
    await run("sh", ["-c", "./agent stop"], { cwd: directory.path });
    assert.equal((await job.result()).code, 0, job.stderr);
  },
);
