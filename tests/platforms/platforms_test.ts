import assert from "node:assert/strict";
import { builtDist } from "../support/dist.ts";
import { requires } from "../support/requires.ts";
import { CONTAINERS, RootDirectory } from "../support/root_directory.ts";
import { World } from "../support/world.ts";
import { ENVIRONMENTS } from "./environments.ts";
import { tryJob } from "./job.ts";

const ignore = !CONTAINERS || Deno.build.arch !== "x86_64";

for (const environment of ENVIRONMENTS) {
  const { name, needs, fill, works } = environment;
  requires("ssh", ...needs)(`the agent in a job with ${name}`, { ignore }, async () => {
    const dist = await builtDist();
    await using world = await World.start();
    await using root = new RootDirectory();
    await fill(root);
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
