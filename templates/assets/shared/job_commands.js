// @ts-check
/** The commands of the job: plain, or as a step of a CI system. @module */

import { echoCmd, escapeGroovy, indent, quoteCmd, quotePowerShell, quoteSh } from "./quote.js";

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices, Shell } from "./choices.js"
 */

/**
 * Text to copy.
 *
 * @typedef {object} Block
 * @property {string} title
 * @property {string} text
 */

/** The environment variable for the token that a server may ask of agents. */
const TOKEN = "CONVERGE_AGENT_TOKEN";

/** The environment variable for a host key that lasts. */
const HOST_KEY = "CONVERGE_HOST_KEY";

/**
 * The secrets that the agent needs in its environment.
 *
 * @param {Pick<Site, "agentToken">} site
 * @param {Choices} choices
 * @returns {string[]} names of variables
 */
function secretsOf({ agentToken }, { hostKey }) {
  return [...(agentToken ? [TOKEN] : []), ...(hostKey === "" ? [] : [HOST_KEY])];
}

/**
 * The commands of the job in its shell, one a line.
 *
 * @param {Pick<Site, "http" | "ws">} site
 * @param {Choices} choices
 * @returns {string[]}
 */
function shellCommands(site, { keys: lines, id, os, shell }) {
  const isAccount = (/** @type {string} */ line) => /^git(hub|lab):/.test(line);
  const keys = lines.filter((line) => !isAccount(line));
  const options = [
    ...(id ? ["--id", id] : []),
    ...lines.filter(isAccount).map((line) => `--${line.replace(":", "-user ")}`),
  ];
  const windows = os === "windows";
  const download = windows ? "agent.exe" : os === "linux" ? "agent" : `agent-${os}`;
  const url = `${site.http}/static/${download}`;
  const program = windows ? "agent.exe" : "agent";
  const to = (/** @type {number} */ index) => index === 0 ? ">" : ">>";
  if (shell === "cmd") {
    return [
      ...keys.map((key, index) => `${to(index)} .authorized_keys ${echoCmd(key)}`),
      `curl -fsSL -o ${program} ${quoteCmd(url)}`,
      [".\\agent", ...options, quoteCmd(site.ws)].join(" "),
    ];
  }
  if (shell === "powershell") {
    const write = (/** @type {number} */ index) => index === 0 ? "Set-Content" : "Add-Content";
    return [
      ...keys.map((key, index) =>
        `${write(index)} -Encoding utf8 .authorized_keys ${quotePowerShell(key)}`
      ),
      // In Windows PowerShell, curl is an alias of another program.
      `${windows ? "curl.exe" : "curl"} -fsSL -o ${program} ${quotePowerShell(url)}`,
      ...(windows ? [] : ["chmod 755 agent"]),
      [windows ? ".\\agent" : "./agent", ...options, quotePowerShell(site.ws)]
        .join(" "),
    ];
  }
  return [
    // In some shells echo reads backslashes.
    ...keys.map((key, index) =>
      `${key.includes("\\") ? "printf '%s\\n'" : "echo"} ${quoteSh(key)} ${
        to(index)
      } .authorized_keys`
    ),
    `curl -fsSL -o ${program} ${
      windows ? quoteSh(url) : `${quoteSh(`${site.http}/static/agent`)}-$(uname -s)-$(uname -m)`
    }`,
    ...(windows ? [] : ["chmod 755 agent"]),
    [`./${program}`, ...options, quoteSh(site.ws)].join(" "),
  ];
}

/**
 * What a secret is called among Jenkins' credentials.
 *
 * @param {string} name of its variable
 * @returns {string}
 */
function credentialId(name) {
  return name.toLowerCase().replaceAll("_", "-");
}

/** @type {Record<Shell, Record<"github" | "jenkins" | "azure", string>>} the name of each shell */
const SHELL_NAMES = {
  sh: { github: "bash", jenkins: "sh", azure: "bash" },
  cmd: { github: "cmd", jenkins: "bat", azure: "script" },
  powershell: { github: "pwsh", jenkins: "pwsh", azure: "pwsh" },
};

/**
 * The commands for the job.
 *
 * @param {Pick<Site, "http" | "ws" | "agentToken">} site
 * @param {Choices} choices
 * @returns {Block}
 */
export function jobCommands(site, choices) {
  const lines = shellCommands(site, choices);
  const { ci, os, shell } = choices;
  const secrets = secretsOf(site, choices);
  if (ci === "plain") return { title: "Commands for the job", text: lines.join("\n") };
  if (ci === "github") {
    const text = [
      "- name: Converge",
      "  if: failure()",
      `  shell: ${SHELL_NAMES[shell].github}`,
      ...(secrets.length > 0 ? ["  env:"] : []),
      ...secrets.map((name) => `    ${name}: \${{ secrets.${name} }}`),
      "  run: |",
      ...indent(lines, 4),
    ];
    return { title: "GitHub Actions: the last step of the job", text: text.join("\n") };
  }
  if (ci === "gitlab") {
    const onlyFailed = shell === "sh"
      ? '[ "$CI_JOB_STATUS" = failed ] || exit 0'
      : 'if ($env:CI_JOB_STATUS -ne "failed") { exit 0 }';
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
  if (ci === "azure") {
    const text = [
      `- ${SHELL_NAMES[shell].azure}: |`,
      ...indent(lines, 4),
      "  displayName: Converge",
      "  condition: failed()",
      ...(secrets.length > 0 ? ["  env:"] : []),
      ...secrets.map((name) => `    ${name}: $(${name})`),
    ];
    return { title: "Azure Pipelines: the last step of the job", text: text.join("\n") };
  }
  // Windows always has powershell, but not always pwsh.
  const name = shell === "powershell" && os === "windows" ? shell : SHELL_NAMES[shell].jenkins;
  const step = [
    `${name} '''`,
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

/**
 * Notes on these commands, a sentence each.
 *
 * @param {Pick<Site, "agentToken" | "password">} site
 * @param {Choices} choices
 * @returns {string[]}
 */
export function jobNotes(site, choices) {
  const { ci, keys, id } = choices;
  /** @type {Record<Choices["ci"], string>} */
  const when = {
    plain: "",
    github:
      "Runs when the job fails; remove the line “if: failure()” to run it whenever it is reached.",
    gitlab:
      "Runs when the job fails; remove the line that checks the status to run it always. The timeouts leave time for it; adjust them to your job.",
    jenkins: "Runs when the build fails; replace “failure” with “always” to run it always.",
    azure: "Runs when the job fails; replace “failed()” with “always()” to run it always.",
  };
  /** @type {Record<string, string>} */
  const whats = {
    [TOKEN]: "the server's agent token",
    [HOST_KEY]: "the secret line of “agent keygen”",
  };
  /** @type {Record<Choices["ci"], (what: string, name: string) => string>} */
  const where = {
    plain: (what, name) => `Set the environment variable ${name} to ${what}. Keep it secret.`,
    github: (what, name) => `Add ${what} to the repository's secrets as ${name}.`,
    gitlab: (what, name) => `Add ${what} to the CI/CD variables as ${name}, masked.`,
    jenkins: (what, name) =>
      `Add ${what} to the credentials as secret text with the ID ${credentialId(name)}.`,
    azure: (what, name) => `Add ${what} to the pipeline's variables as ${name}, secret.`,
  };
  return [
    when[ci],
    ...secretsOf(site, choices).map((name) => where[ci](whats[name] ?? "", name)),
    keys.length === 0 && !site.password
      ? "Nobody can log in yet: add your public key, or a file .authorized_keys in the job's directory."
      : "",
    id === "" ? "The agent gets a random ID, which the job's log shows." : "",
  ].filter((note) => note !== "");
}
