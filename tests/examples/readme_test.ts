/** The two lines at the top of the README, against a real server. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeHome, writeChecksums, writePrograms } from "../support/home.ts";
import { inHome } from "../support/passwd_home.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { Terminal } from "../support/terminal.ts";
import { World } from "../support/world.ts";

requires("curl", "ssh", "unshare")(
  "the lines of the README for the job and for ssh work as they are",
  async () => {
    await using home = new TempDir();
    const { env, key, config } = await makeHome(home);
    await using files = new TempDir();
    writePrograms(files, ["agent", "wsproxy"]);
    writeChecksums(files, ["agent", "wsproxy"]);
    await using world = await World.start(["--static-dir", files.path]);
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const [forJob, forPerson] = [...readme.matchAll(/```sh\n([^`]*)\n```/g)].map(([, line]) =>
      line!.replaceAll("https://converge.example", world.http)
        .replaceAll("wss://converge.example", world.url)
    );

    await using directory = new TempDir();
    directory.write(".authorized_keys", key);
    await using job = new Program("sh", ["-c", forJob!], { cwd: directory.path });
    await job.waitFor(/job-42/);
    Deno.mkdirSync(join(home.path, ".ssh"), { mode: 0o700 });
    home.write(".ssh/config", config.replace(/^UserKnownHostsFile.*\n/m, ""));
    // The real ssh, which asks about the host key, of a person who is not root.
    const PATH = `${home.path}/bin:${Deno.env.get("PATH")}`;
    Deno.mkdirSync(join(home.path, "bin"));
    home.write("bin/id", "#!/bin/sh\necho 1000\n", 0o755);
    const command = inHome(home.path, [
      "env",
      `PATH=${PATH}`,
      "sh",
      "-e",
      "-c",
      `${forPerson!} pwd`,
    ]);
    await using terminal = new Terminal(...command, { env });
    await terminal.waitFor(/\[fingerprint\]\)\? $/);
    terminal.write("yes\r");
    await terminal.waitFor(new RegExp(`${directory.path}\r\n`));
    assert.equal(await terminal.exited, 0, terminal.output);
    await run("sh", ["-c", "./agent stop"], { cwd: directory.path });
    assert.equal((await job.result()).code, 0, job.stderr);
  },
);
