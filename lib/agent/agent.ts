/**
 * The agent: an SSH server that people reach through the rendez-vous server, for as long as its
 * lifetime allows.
 *
 * @module
 */
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { AgentOptions } from "../cli/agent_options.ts";
import { createLog, type Log } from "../cli/log.ts";
import { errorMessage } from "../cli/program.ts";
import { chooseShell, type Shell } from "../process/shell.ts";
import { findProgram } from "../process/find_program.ts";
import { type AuthorizedKey, parseAuthorizedKeys } from "../ssh/authorized_keys.ts";
import { forwarding } from "../ssh/forwarding/forwarding.ts";
import { generateHostKey, loadHostKey } from "../ssh/host_key.ts";
import { SshServer } from "../ssh/server.ts";
import { SftpServer } from "../ssh/sftp/serve.ts";
import { delay } from "../wire/delay.ts";
import { type AgentFacts, makeRendezvousId, type RegisteredMessage } from "../wire/protocol.ts";
import { wantsColor } from "./announcement.ts";
import { Announcer } from "./announcer.ts";
import { fetchKeys, githubKeysUrl, gitlabKeysUrl } from "./forge_keys.ts";
import { makeIfMissing, WatchedFile } from "./watched_file.ts";
import { LifetimeKeeper, type LifetimeStatus } from "./lifetime_keeper.ts";
import { loginMessage } from "./messages.ts";
import { Registration } from "./registration.ts";

/** The hold file's name in the agent's folder. */
const HOLD_FILE = ".hold";

/** How long clients without a session may take to hang up by themselves, in milliseconds. */
const HANG_UP_MS = 2_000;

/** The exit status of a program that a signal has ended, by the signal's name. */
const SIGNAL_STATUS: Record<string, number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Runs an agent until its lifetime ends, or the signal, whose reason is the name of the operating
 * system's.
 *
 * @returns the exit status
 * @throws {Error} if something that was asked for cannot be had, or the server cannot be reached
 */
export async function runAgent(
  server: URL,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<number> {
  const log = createLog({ level: options.logLevel });
  const env = Deno.env.toObject();
  const cwd = Deno.cwd();
  const holdPath = join(cwd, HOLD_FILE);
  const keysFile = resolve(cwd, options.authorizedKeys);
  const [ca, token, hostKey] = await Promise.all([
    options.caFile === undefined ? undefined : readFile("CA file", options.caFile),
    options.tokenFile === undefined
      ? env.CONVERGE_AGENT_TOKEN
      : readFile("token file", options.tokenFile),
    options.hostKey === undefined ? generateHostKey() : loadHostKey(options.hostKey),
  ]);
  const extraKeys = await fetchAllKeys(options, { ca, signal, log });
  if (options.insecure) log.warn("any certificate of the server is trusted");
  if (options.hold) makeIfMissing(holdPath);

  const shell = chooseAgentShell(options.shell, env);
  const id = options.id ?? makeRendezvousId();
  let registration: RegisteredMessage | undefined;
  /** Nobody new gets in from here on, */
  const ended = new AbortController();
  /** and from here on nobody who is in stays. */
  const hangUp = new AbortController();

  const announcer = new Announcer({
    server,
    wantedId: options.id,
    hostKey,
    keysFile,
    extraKeys,
    json: options.json ?? false,
    color: wantsColor(Deno.stdout.isTerminal(), env),
    env,
    notify: options.notifyUrl ?? [],
    ca,
    log,
    print: printStdout,
  });
  const announce = (status: LifetimeStatus, onlyNews = false) => {
    if (registration) announcer.announce(registration, status, { signal: ended.signal, onlyNews });
  };
  using lifetime = new LifetimeKeeper({
    expiry: options.expiry,
    warningTime: options.warningTime,
    log,
    announce,
  });
  await using _hold = new WatchedFile(holdPath, {
    log,
    onChange: (modified) => lifetime.hold(modified),
  });
  await using _keys = new WatchedFile(keysFile, {
    log,
    onChange: () => announce(lifetime.status, true),
  });

  const authentication = {
    username: "",
    authorizedKeysFile: keysFile,
    extraKeys,
  };
  const sessionEnv: Record<string, string> = {
    ...env,
    CONVERGE_ID: id,
    CONVERGE_DIR: cwd,
    CONVERGE_HOLD: holdPath,
  };
  const { channels, globalRequests, sessionRequests } = forwarding({
    allowRemoteBind: options.allowRemoteBind,
  });
  using sftp = new SftpServer();
  const ssh = new SshServer({
    hostKey,
    authentication,
    session: { cwd, env: sessionEnv, shell },
    log,
    observer: {
      opened: (session) => lifetime.opened(session),
      closed: (session) => lifetime.closed(session),
      input: () => lifetime.input(),
      welcome: () =>
        loginMessage({
          ...lifetime.status,
          id: sessionEnv.CONVERGE_ID!,
          shell: shell.kind,
          os: Deno.build.os,
          now: Date.now(),
          expiry: options.expiry,
        }),
    },
    channels,
    globalRequests,
    sessionRequests,
    subsystems: { sftp: (channel) => sftp.serve(channel, { cwd }) },
  });
  const rendezvous = new Registration({
    server,
    id,
    token,
    facts: agentFacts(shell),
    tls: { ca, insecure: options.insecure },
    log,
    onRegistered: (message) => {
      registration = message;
      sessionEnv.CONVERGE_ID = message.id;
      Object.assign(authentication, { username: message.username, password: message.password });
      announce(lifetime.status);
    },
    onClient: (stream, client) => ssh.serve(stream, client, hangUp.signal),
  });

  const cancel = () => lifetime.end("cancelled", SIGNAL_STATUS[signal.reason] ?? 1);
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  const running = rendezvous.run(ended.signal);
  try {
    const end = await Promise.race([lifetime.ended, running.then(() => undefined)]);
    ended.abort();
    // A client whose last session has ended gets its exit status and hangs up by itself.
    if (lifetime.status.sessions === 0) {
      await Promise.race([running, delay(HANG_UP_MS, hangUp.signal)]);
    }
    return end?.status ?? 1;
  } finally {
    signal.removeEventListener("abort", cancel);
    ended.abort();
    hangUp.abort();
    await Promise.allSettled([running, announcer.done()]);
  }
}

/** Reads a small file of text, without the newline at its end. */
async function readFile(what: string, path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).replace(/\r?\n$/, "");
  } catch (error) {
    throw new Error(`cannot read the ${what} "${path}": ${errorMessage(error)}`, { cause: error });
  }
}

/** The keys of the forges' users and URLs that were asked for. */
async function fetchAllKeys(
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

function chooseAgentShell(given: string | undefined, env: Record<string, string>): Shell {
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

function agentFacts(shell: Shell): AgentFacts {
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

/** A closed stdout must not end the agent. */
function printStdout(text: string): void {
  try {
    const bytes = new TextEncoder().encode(text);
    let written = 0;
    while (written < bytes.length) written += Deno.stdout.writeSync(bytes.subarray(written));
  } catch {
    // Nobody is listening.
  }
}
