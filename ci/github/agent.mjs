// @ts-check
/** The agent in a job of GitHub Actions: its file, its options and its environment. @module */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { download } from "./download.mjs";

/**
 * An input of the action; empty if it was left out.
 *
 * @param {string} name
 * @returns {string}
 */
export function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}

/**
 * An input that is one of a few words.
 *
 * @param {string} name
 * @param {string[]} words
 * @returns {string}
 */
export function choice(name, words) {
  const value = input(name);
  if (words.includes(value)) return value;
  throw new Error(`cannot use the input ${name}: "${value}" is not one of ${words.join(", ")}`);
}

/**
 * Shows why the step fails, as GitHub shows errors, and fails.
 *
 * @param {unknown} error
 */
export function fail(error) {
  const text = error instanceof Error ? error.message : String(error);
  const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  console.log(`::error title=Converge::${escaped}`);
  process.exitCode = 1;
}

/** The directory for the agent's file, outside of the workspace, which a checkout empties. */
function directory() {
  const path = join(process.env.RUNNER_TEMP ?? ".", "converge");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** The agent's file. */
function agentPath() {
  return join(directory(), process.platform === "win32" ? "agent.exe" : "agent");
}

/** Downloads the agent of the server that the inputs name. */
export async function downloadAgent() {
  const caFile = input("ca-file");
  await download(input("server"), {
    path: agentPath(),
    // As the agent reads it, which runs in the workspace.
    caFile: caFile === "" ? undefined : resolve(process.env.GITHUB_WORKSPACE ?? ".", caFile),
  });
}

/** The ID to ask for: the input, made of names that GitHub allows more in than an ID takes. */
function id() {
  return input("id").replaceAll(/[^A-Za-z0-9._-]/g, "-").replace(/^[._-]+/, "").slice(0, 64);
}

/**
 * The agent's arguments for the action's inputs.
 *
 * @returns {string[]}
 */
export function agentArguments() {
  const keys = input("authorized-keys");
  const keysFile = join(directory(), "authorized_keys");
  if (keys !== "") writeFileSync(keysFile, `${keys}\n`);
  const lines = (/** @type {string} */ text) => text.split("\n").map((line) => line.trim());
  const users = input("github-users").split(/\s+/).filter((name) => name !== "");
  return [
    ...(choice("detach", ["true", "false"]) === "true" ? ["--detach"] : []),
    ...(choice("actor", ["true", "false"]) === "true" ? ["--github-actor"] : []),
    ...users.flatMap((name) => ["--github-user", name]),
    ...(keys === "" ? [] : ["--authorized-keys", keysFile]),
    ...(id() === "" ? [] : ["--id", id()]),
    ...["--expiry", input("wait")],
    ...(input("ca-file") === "" ? [] : ["--ca-file", input("ca-file")]),
    // An option and its value, separated by a blank, or an option alone.
    ...lines(input("options")).filter((line) => line !== "").flatMap((line) => {
      const [, option = line, value] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return value === undefined ? [option] : [option, value];
    }),
  ];
}

/**
 * Runs the agent in the workspace and passes signals on, as of a step that is cancelled.
 *
 * @param {string[]} args
 * @returns {Promise<number>} its exit status
 */
export async function runAgent(args) {
  // The inputs hold secrets, which sessions must not get.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("INPUT_")),
  );
  // Those that are left out may come from the job's own variables.
  const secrets = Object.fromEntries(
    [["CONVERGE_AGENT_TOKEN", input("agent-token")], ["CONVERGE_HOST_KEY", input("host-key")]]
      .filter(([, value]) => value !== ""),
  );
  const child = spawn(agentPath(), args, {
    cwd: process.env.GITHUB_WORKSPACE,
    env: { ...env, ...secrets },
    stdio: "inherit",
  });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
    process.on(signal, () => child.kill(signal));
  }
  return await new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Error(`cannot start the agent: ${error.message}`)));
    child.on("exit", (status) => resolve(status ?? 1));
  });
}

/**
 * Keeps a value for the action's last step.
 *
 * @param {string} name
 * @param {string} value on one line
 */
export function saveState(name, value) {
  appendFileSync(process.env.GITHUB_STATE ?? "", `${name}=${value}\n`);
}
