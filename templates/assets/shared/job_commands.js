// @ts-check
/** The commands of the job: plain, or as a step of a CI system. @module */

import { credentialId, secretsOf, TOKEN } from "./job_secrets.js";
import { escapeGroovy, indent } from "./quote.js";
import { shellCommands, sortKeys } from "./shell_commands.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices, JobSystem } from "./choices.js"
 */

/**
 * Text to copy.
 *
 * @typedef {object} Block
 * @property {string} title
 * @property {string} text
 */

/** The action where the server does not say which. */
const ACTION = "OWNER/converge@main";

/**
 * The step of the action.
 *
 * @param {Pick<Site, "http" | "agentToken" | "githubAction">} site
 * @param {Choices} choices
 * @returns {string[]} lines
 */
function actionStep(site, choices) {
  const { keys, accounts } = sortKeys(choices.keys);
  const users = accounts.flatMap((option) => /^--github-user (.*)/.exec(option)?.[1] ?? []);
  const others = accounts.filter((option) => !option.startsWith("--github-user"));
  const block = (/** @type {string} */ name, /** @type {string[]} */ lines) =>
    lines.length === 0 ? [] : [`    ${name}: |`, ...indent(lines.map(escapeExpressions), 6)];
  return [
    `- uses: ${site.githubAction ?? ACTION}`,
    "  with:",
    `    server: ${site.http}`,
    ...(choices.id === "" ? [] : [`    id: "${choices.id}"`]),
    ...(users.length === 0 ? [] : [`    github-users: ${users.join(" ")}`]),
    ...block("authorized-keys", keys),
    ...block("options", others),
    ...secretsOf(site, choices).map((name) =>
      `    ${name === TOKEN ? "agent-token" : "host-key"}: \${{ secrets.${name} }}`
    ),
  ];
}

/**
 * For a value in a workflow of GitHub, which would expand `${{ }}` in it.
 *
 * @param {string} text
 * @returns {string}
 */
function escapeExpressions(text) {
  return text.replaceAll("${{", "${{ '${{' }}");
}

/** @typedef {Exclude<Choices["ci"], "plain" | "github" | "gitlab" | "buildkite">} NamesShells */

/** @type {Record<NamesShells, Record<JobSystem, string>>} the name of each shell */
const SHELL_NAMES = {
  "github-commands": { posix: "bash", bash: "bash", cmd: "cmd", powershell: "pwsh" },
  jenkins: { posix: "sh", bash: "sh", cmd: "bat", powershell: "powershell" },
  azure: { posix: "bash", bash: "bash", cmd: "script", powershell: "pwsh" },
  circleci: { posix: "", bash: "bash.exe", cmd: "cmd.exe", powershell: "powershell.exe" },
};

/** @type {Record<JobSystem, [ending: string, onlyFailed: string, end: string]>} */
const BUILDKITE_HOOK = {
  posix: ["", 'if [ "$BUILDKITE_COMMAND_EXIT_STATUS" != 0 ]; then', "fi"],
  bash: ["", 'if [ "$BUILDKITE_COMMAND_EXIT_STATUS" != 0 ]; then', "fi"],
  cmd: [".bat", 'if "%BUILDKITE_COMMAND_EXIT_STATUS%"=="0" exit /b 0', ""],
  powershell: [".ps1", 'if ($env:BUILDKITE_COMMAND_EXIT_STATUS -ne "0") {', "}"],
};

/**
 * The commands for the job.
 *
 * @param {Pick<Site, "http" | "ws" | "agentToken" | "githubAction">} site
 * @param {Choices} choices
 * @returns {Block}
 */
export function jobCommands(site, choices) {
  const lines = shellCommands(site, choices);
  const { ci, os } = choices;
  const secrets = secretsOf(site, choices);
  if (ci === "plain") return { title: "In the job", text: lines.join("\n") };
  if (ci === "github") {
    return {
      title: "GitHub Actions: a step after the checkout",
      text: actionStep(site, choices).join("\n"),
    };
  }
  if (ci === "github-commands") {
    const text = [
      "- name: Converge",
      "  if: failure()",
      `  shell: ${SHELL_NAMES[ci][os]}`,
      ...(secrets.length > 0 ? ["  env:"] : []),
      ...secrets.map((name) => `    ${name}: \${{ secrets.${name} }}`),
      "  run: |",
      ...indent(lines, 4),
    ];
    return { title: "GitHub Actions: the last step of the job", text: text.join("\n") };
  }
  if (ci === "gitlab") {
    const onlyFailed = os === "powershell"
      ? 'if ($env:CI_JOB_STATUS -ne "failed") { exit 0 }'
      : '[ "$CI_JOB_STATUS" = failed ] || exit 0';
    const text = [
      "variables:",
      "  RUNNER_SCRIPT_TIMEOUT: 1h",
      "  RUNNER_AFTER_SCRIPT_TIMEOUT: 1h",
      "timeout: 2h",
      "after_script:",
      "  - |",
      ...indent([onlyFailed, ...lines], 4),
    ];
    return { title: "GitLab CI: in the job", text: text.join("\n") };
  }
  if (ci === "circleci") {
    const shell = SHELL_NAMES[ci][os];
    const text = [
      "- run:",
      "    name: Converge",
      "    when: on_fail",
      "    no_output_timeout: 1h",
      ...(shell === "" ? [] : [`    shell: ${shell}`]),
      "    command: |",
      // CircleCI's own parameters begin so.
      ...indent(lines.map((line) => line.replaceAll("<<", "\\<<")), 6),
    ];
    return { title: "CircleCI: the last step of the job", text: text.join("\n") };
  }
  if (ci === "azure") {
    const text = [
      `- ${SHELL_NAMES[ci][os]}: |`,
      ...indent(lines, 4),
      "  displayName: Converge",
      "  condition: failed()",
      ...(secrets.length > 0 ? ["  env:"] : []),
      ...secrets.map((name) => `    ${name}: $(${name})`),
    ];
    return { title: "Azure Pipelines: the last step of the job", text: text.join("\n") };
  }
  if (ci === "buildkite") {
    const [ending, onlyFailed, end] = BUILDKITE_HOOK[os];
    const text = [onlyFailed, ...indent(lines, end === "" ? 0 : 2), ...(end === "" ? [] : [end])];
    return {
      title: `Buildkite: the file .buildkite/hooks/post-command${ending}`,
      text: text.join("\n"),
    };
  }
  const step = [
    `${SHELL_NAMES[ci][os]} '''`,
    ...lines.map(escapeGroovy),
    "'''",
  ];
  const credentials = secrets.map((name) =>
    `string(credentialsId: '${credentialId(name)}', variable: '${name}')`
  );
  const steps = credentials.length > 0
    ? [`withCredentials([${credentials.join(", ")}]) {`, ...indent(step, 2), "}"]
    : step;
  const text = ["post {", "  failure {", ...indent(steps, 4), "  }", "}"];
  return { title: "Jenkins: in the pipeline, after its stages", text: text.join("\n") };
}
