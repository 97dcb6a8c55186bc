// @ts-check
/** What to know about the commands of the job. @module */

import { credentialId, HOST_KEY, secretsOf, TOKEN } from "./job_secrets.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices } from "./choices.js"
 */

/**
 * Notes on these commands, a sentence each.
 *
 * @param {Pick<Site, "agentToken" | "password" | "githubAction">} site
 * @param {Choices} choices
 * @returns {string[]}
 */
export function jobNotes(site, choices) {
  const { ci, keys, id } = choices;
  const always = (/** @type {string} */ text) =>
    `Runs when the job fails; ${text} to run it always.`;
  /** @type {Record<Choices["ci"], string>} */
  const when = {
    plain: "",
    github: "The job goes on, and waits at its end if it failed. Who started it can log in with " +
      "the keys that they have on GitHub.",
    "github-commands": always("remove the line “if: failure()”"),
    gitlab: always("remove the line that checks the status") +
      " The timeouts leave time for it; adjust them to your job.",
    jenkins: always("replace “failure” with “always”"),
    circleci: always("replace “on_fail” with “always”"),
    azure: always("replace “failed()” with “always()”"),
    buildkite: "Runs when a command fails.",
  };
  /** @type {Record<string, string>} */
  const whats = {
    [TOKEN]: "the server's agent token",
    [HOST_KEY]: "the secret line of “agent keygen”",
  };
  const onGithub = (/** @type {string} */ what, /** @type {string} */ name) =>
    `Add ${what} to the repository's secrets as ${name}.`;
  /** @type {Record<Choices["ci"], (what: string, name: string) => string>} */
  const where = {
    plain: (what, name) => `Set the environment variable ${name} to ${what}. Keep it secret.`,
    github: onGithub,
    "github-commands": onGithub,
    gitlab: (what, name) => `Add ${what} to the CI/CD variables as ${name}, masked.`,
    jenkins: (what, name) =>
      `Add ${what} to the credentials as secret text with the ID ${credentialId(name)}.`,
    circleci: (what, name) => `Add ${what} to the project's environment variables as ${name}.`,
    azure: (what, name) => `Add ${what} to the pipeline's variables as ${name}, secret.`,
    buildkite: (what, name) => `Set ${name} to ${what} in the agents' environment hook.`,
  };
  const random = ci === "github"
    ? "The ID is made of the job's name and number"
    : "The ID is random";
  return [
    when[ci],
    ci === "github" && site.githubAction === undefined
      ? "OWNER/converge is your copy of Converge's repository."
      : "",
    ...secretsOf(site, choices).map((name) => where[ci](whats[name] ?? "", name)),
    keys.length === 0 && !site.password && ci !== "github"
      ? "Nobody can log in yet: add your public key, or a file .authorized_keys in the job's directory."
      : "",
    id === "" ? `${random}; the job's log shows it.` : "",
  ].filter((note) => note !== "");
}
