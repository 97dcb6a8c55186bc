/** Who started a job of GitHub Actions. Pure. */

/**
 * Events that only people with write access cause, or that run the code of the one who does, without
 * secrets. Anybody can cause others, such as pull_request_target and issue_comment, whose jobs have
 * the repository's secrets.
 */
const TRUSTED_EVENTS = [
  ...["push", "pull_request", "merge_group", "workflow_dispatch", "repository_dispatch"],
  ...["schedule", "release", "create", "delete"],
];

/**
 * The users whose keys `--github-actor` lets log in: who caused the run, and who started it again.
 * Apps have no keys.
 *
 * @throws {Error} if this is not a job of GitHub Actions, or anybody could have caused it
 */
export function githubActors(env: Record<string, string>): string[] {
  const { GITHUB_ACTOR, GITHUB_TRIGGERING_ACTOR, GITHUB_EVENT_NAME = "" } = env;
  if (!GITHUB_ACTOR) {
    throw new Error("cannot use --github-actor: this is not a job of GitHub Actions");
  }
  if (!TRUSTED_EVENTS.includes(GITHUB_EVENT_NAME)) {
    throw new Error(
      `cannot use --github-actor: anybody can cause the event "${GITHUB_EVENT_NAME}"; ` +
        "name people with --github-user",
    );
  }
  const actors = new Set([GITHUB_ACTOR, GITHUB_TRIGGERING_ACTOR || GITHUB_ACTOR]);
  return [...actors].filter((name) => !name.endsWith("[bot]"));
}
