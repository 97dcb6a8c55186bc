import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { CONTAINERS } from "../support/root_directory.ts";
import { World } from "../support/world.ts";
import { ENVIRONMENTS } from "./environments.ts";
import { rootOf, tryJob } from "./job.ts";

const ignore = !CONTAINERS || Deno.build.arch !== "x86_64";

for (const environment of ENVIRONMENTS.filter(({ suite }) => suite === undefined)) {
  const { name, needs, works } = environment;
  requires("ssh", ...needs)(`the agent in a job with ${name}`, { ignore }, async () => {
    const dist = await builtDist();
    await using world = await World.start();
    await using root = await rootOf(environment);
    const { exec, sftp, terminal, log, left, status } = await tryJob(
      world,
      dist,
      root,
      environment,
    );
    const yes = Object.entries({ exec, sftp, terminal }).filter(([, value]) => value === "yes");
    assert.deepEqual(yes.map(([what]) => what), works, `${exec}\n${sftp}\n${terminal}\n${log}`);
    assert.deepEqual(left, []);
    if (works.includes("terminal")) assert.equal(status, 0);
  });
}

Deno.test("docs/platforms.md says what works where", () => {
  const rows = readFileSync(join(ROOT, "docs/platforms.md"), "utf8")
    .matchAll(/^\| (.*?) +\| (yes|no) +\| (yes|no) +\| (yes|no) +\|/gm);
  const documented = Array.from(rows, ([, name, ...values]) => [name, values]);
  assert.deepEqual(
    documented,
    ENVIRONMENTS.map(({ name, works }) => [
      name,
      ["exec", "sftp", "terminal"].map((what) => works.includes(what) ? "yes" : "no"),
    ]),
  );
});
