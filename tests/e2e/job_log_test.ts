/** What a job's log shows of an agent until a person comes, by the lines that are not folded. */
import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { World } from "../support/world.ts";

/** What CI systems set, the last that the agent prints there, and what they fold. */
const SYSTEMS: [name: string, env: Record<string, string>, last: RegExp, fold?: RegExp][] = [
  ["without a CI system", {}, /Other commands: .*\n/],
  [
    "GitHub Actions",
    { GITHUB_ACTIONS: "true" },
    /::notice .*\n/,
    /(?<=::group::.*\n)[^]*?(?=::endgroup::\n)/,
  ],
  [
    "GitLab CI",
    { GITLAB_CI: "true" },
    /section_end:[^\n]*\n/,
    // deno-lint-ignore no-control-regex -- how GitLab marks a section.
    /(?<=section_start:[^\n]*\n)[^]*?(?=\x1b\[0Ksection_end)/,
  ],
  [
    "Azure Pipelines",
    { TF_BUILD: "True" },
    /##\[endgroup\]\n/,
    /(?<=##\[group\].*\n)[^]*?(?=##\[end)/,
  ],
];

requires("ssh-keygen")("the job's log has at most eight lines of an agent", async (t) => {
  await using world = await World.start();
  for (const [name, env, last, fold] of SYSTEMS) {
    await t.step(name, async () => {
      const agent = world.startAgent({ json: false, env });
      await agent.program.waitFor(last);
      const { stdout, stderr } = agent.program;
      const shown = fold === undefined ? stdout : stdout.replace(fold, "");
      if (fold !== undefined) assert.ok(shown.length < stdout.length / 2, stdout);
      // The end of what is folded is no line that people see.
      const lines = `${shown}${stderr}`.split("\n")
        .filter((line) => line !== "" && !/endgroup|section_end/.test(line));
      assert.ok(lines.length <= 8, lines.join("\n"));
      assert.equal(lines.filter((line) => /^ +ssh -o/.test(line)).length, 1);
    });
  }
});
