/** What an agent reads and decides before it registers: files, keys, the shell, the machine. */
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { AgentOptions } from "../cli/agent_options.ts";
import { readCaFile, readSecretFile } from "../files/option_file.ts";
import type { Log } from "../log/log.ts";
import { isProgram } from "../process/access.ts";
import { openPath, ownDirectory, ownEnvironment, wipeVariables } from "../process/self.ts";
import { chooseShell, type Shell, type ShellChoice } from "../process/shell.ts";
import { findProgram } from "../program/find_program.ts";
import type { AgentFacts } from "../protocol/messages.ts";
import { makeRendezvousId } from "../protocol/names.ts";
import { SECRET_VARIABLES } from "../ssh/session/environment.ts";
import { githubActors } from "./github_actor.ts";
import { type AuthorizedKey, parseAuthorizedKeys } from "../ssh/login/authorized_keys.ts";
import { checkMachine } from "./check_machine.ts";
import { fetchKeys, githubKeysUrl, gitlabKeysUrl } from "./forge_keys.ts";
import { HOST_KEY_VARIABLE } from "./keygen.ts";
import { chooseHostKeys, type HostKeys } from "./host_keys.ts";
import { makeIfMissing } from "./watched_file.ts";

/** The hold file's name in the agent's directory. */
export const HOLD_FILE = ".hold";

/** Everything that is settled before the agent registers. */
export interface AgentSetup {
  server: URL;
  options: AgentOptions;
  /** The rendez-vous ID to ask for. */
  id: string;
  /** The agent's directory, in which sessions start. */
  cwd: string;
  /** A path of it for the agent itself. */
  dir: string;
  /** The job's environment. */
  env: Record<string, string>;
  /** Files that set variables in sessions, read for each. */
  envFiles: string[];
  shell: Shell;
  /** What is not as people expect, for the log and for shells. */
  notices: string[];
  hostKeys: HostKeys;
  /** The file of authorized keys, read at each login. */
  keysFile: string;
  /** Authorized keys from elsewhere. */
  extraKeys: AuthorizedKey[];
  holdPath: string;
  /** What the server asks agents for. */
  token?: string;
  /** A CA in PEM to trust besides the system's. */
  ca?: string;
}

/**
 * Prepares an agent.
 *
 * @throws {Error} if what an option names cannot be used, or the signal's reason
 */
export async function prepareAgent(
  server: URL,
  options: AgentOptions,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<AgentSetup> {
  const cwd = ownDirectory();
  const dir = openPath(cwd);
  const user = readUser();
  const env = jobEnvironment(user);
  const ca = options.caFile === undefined ? undefined : await readCaFile(options.caFile);
  const { shell, notice } = chooseAgentShell(options.shell, env, user);
  // Programs start the shell that this variable names.
  if (notice !== undefined && !shell.args) {
    env.SHELL = findProgram(shell.file, env, isProgram) ?? shell.file;
  }
  const notices = [...notice === undefined ? [] : [notice], ...await checkMachine()];
  for (const reason of notices) log.warn("something will not work as usual", { reason });
  const setup = {
    server,
    options,
    id: options.id ?? makeRendezvousId(),
    cwd,
    dir,
    env,
    envFiles: (options.envFile ?? []).map((file) => resolve(dir, file)),
    shell,
    notices,
    hostKeys: await chooseHostKeys({
      files: options.hostKey ?? [],
      types: options.hostKeyTypes,
      secret: env[HOST_KEY_VARIABLE],
    }),
    keysFile: resolve(dir, options.authorizedKeys),
    extraKeys: await fetchAllKeys(options, env, { ca, signal, log }),
    holdPath: join(dir, HOLD_FILE),
    token: options.tokenFile === undefined
      ? env.CONVERGE_AGENT_TOKEN || undefined
      : await readSecretFile("--token-file", options.tokenFile),
    ca,
  };
  wipeVariables(SECRET_VARIABLES);
  if (options.insecure) log.warn("trusting any certificate of the server");
  if (options.hold) makeIfMissing("hold file", setup.holdPath);
  return setup;
}

/** The keys that --github-user, --github-actor, --gitlab-user and --keys-url name. */
async function fetchAllKeys(
  options: AgentOptions,
  env: Record<string, string>,
  { ca, signal, log }: { ca?: string; signal: AbortSignal; log: Log },
): Promise<AuthorizedKey[]> {
  const actors = options.githubActor ? githubActors(env) : [];
  const urls = [
    ...[...new Set([...options.githubUser ?? [], ...actors])].map(githubKeysUrl),
    ...(options.gitlabUser ?? []).map(gitlabKeysUrl),
    ...options.keysUrl ?? [],
  ];
  const lists = await Promise.all(urls.map(async (url) => {
    const { keys, broken } = parseAuthorizedKeys(await fetchKeys(url, { ca, signal }));
    const source = `${url.origin}${url.pathname}`;
    for (const { line, reason } of broken) log.warn("key not used", { source, line, reason });
    if (keys.length === 0) {
      throw new Error(`cannot use the keys at "${source}": no usable key there`);
    }
    log.info("keys fetched", { source, keys: keys.length });
    // These lists have no comments: their source says whose keys they are.
    const owner = `${url.host}${url.pathname.replace(/\.keys$/, "")}`;
    return keys.map((key) => ({ ...key, comment: key.comment || owner }));
  }));
  return lists.flat();
}

function chooseAgentShell(
  given: string | undefined,
  env: Record<string, string>,
  user: User | undefined,
): ShellChoice {
  const exists = (file: string) => findProgram(file, env, isProgram) !== undefined;
  if (given !== undefined && !exists(given)) {
    throw new Error(`cannot use --shell "${given}": no such program`);
  }
  return chooseShell({ os: Deno.build.os, given, env, userShell: user?.shell, exists });
}

/** The agent's user as passwd(5) has it. */
type User = ReturnType<typeof userInfo>;

function readUser(): User | undefined {
  try {
    return userInfo();
  } catch {
    // A container may run as a user without a name.
  }
}

/** The job's environment, with the home directory that sshd would set. */
function jobEnvironment(user: User | undefined): Record<string, string> {
  const env = ownEnvironment();
  if (Deno.build.os !== "windows" && !env.HOME && user) env.HOME = user.homedir;
  return env;
}

/** What the agent tells the server's operators about its machine. */
export function agentFacts(shell: Shell): AgentFacts {
  const { os, arch } = Deno.build;
  return {
    host: Deno.hostname(),
    user: readUser()?.username ?? "",
    os: `${os} ${arch} ${Deno.osRelease()}`,
    shell: shell.file,
  };
}
