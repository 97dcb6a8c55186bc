/** What the agent finds out before it starts: files, keys, the shell, the machine. */
import { userInfo } from "node:os";
import type { AgentOptions } from "../cli/agent_options.ts";
import type { Log } from "../log/log.ts";
import { findProgram } from "../process/find_program.ts";
import { chooseShell, type Shell } from "../process/shell.ts";
import { type AuthorizedKey, parseAuthorizedKeys } from "../ssh/login/authorized_keys.ts";
import type { AgentFacts } from "../protocol/messages.ts";
import { fetchKeys, githubKeysUrl, gitlabKeysUrl } from "./forge_keys.ts";

/** The keys of the forges' users and URLs that were asked for. */
export async function fetchAllKeys(
  options: AgentOptions,
  { ca, signal, log }: { ca?: string; signal: AbortSignal; log: Log },
): Promise<AuthorizedKey[]> {
  const urls = [
    ...(options.githubUser ?? []).map(githubKeysUrl),
    ...(options.gitlabUser ?? []).map(gitlabKeysUrl),
    ...options.keysUrl ?? [],
  ];
  const lists = await Promise.all(urls.map(async (url) => {
    const { keys, broken } = parseAuthorizedKeys(await fetchKeys(url, { ca, signal }));
    const source = `${url.origin}${url.pathname}`;
    for (const { line, reason } of broken) log.warn("key not used", { source, line, reason });
    if (keys.length === 0) throw new Error(`there are no usable keys at ${source}`);
    log.info("keys fetched", { source, keys: keys.length });
    return keys;
  }));
  return lists.flat();
}

export function chooseAgentShell(given: string | undefined, env: Record<string, string>): Shell {
  const exists = (file: string) => findProgram(file, env) !== undefined;
  if (given !== undefined && !exists(given)) {
    throw new Error(`cannot use the shell "${given}": there is no such program`);
  }
  return chooseShell({
    os: Deno.build.os,
    given,
    env,
    passwd: readIfThere("/etc/passwd"),
    uid: Deno.uid(),
    exists,
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

export function agentFacts(shell: Shell): AgentFacts {
  const { os, arch } = Deno.build;
  let user = "";
  try {
    user = userInfo().username;
  } catch {
    // A container may run as a number without a name.
  }
  return {
    host: Deno.hostname(),
    user,
    os: `${os} ${arch} ${Deno.osRelease()}`,
    shell: shell.file,
  };
}
