import assert from "node:assert/strict";
import { githubActors } from "../../lib/agent/github_actor.ts";

Deno.test("githubActors() are who caused the run and who started it again, but no apps", () => {
  const env = { GITHUB_ACTOR: "ann", GITHUB_EVENT_NAME: "push" };
  assert.deepEqual(githubActors(env), ["ann"]);
  assert.deepEqual(githubActors({ ...env, GITHUB_TRIGGERING_ACTOR: "ann" }), ["ann"]);
  assert.deepEqual(githubActors({ ...env, GITHUB_TRIGGERING_ACTOR: "bob" }), ["ann", "bob"]);
  assert.deepEqual(githubActors({ ...env, GITHUB_ACTOR: "dependabot[bot]" }), []);
});

Deno.test("githubActors() refuses events that anybody can cause, and other CI systems", () => {
  for (const GITHUB_EVENT_NAME of ["pull_request_target", "issue_comment", "workflow_run", ""]) {
    const env = { GITHUB_ACTOR: "mallory", GITHUB_EVENT_NAME };
    assert.throws(() => githubActors(env), /anybody can cause .*--github-user$/);
  }
  assert.throws(() => githubActors({}), /not a job of GitHub Actions/);
});
