/**
 * The agent: an SSH server that people reach through the rendez-vous server, for as long as its
 * lifetime allows.
 *
 * @module
 */
import { join, resolve } from "node:path";
import type { AgentOptions } from "../cli/agent_options.ts";
import { readSecretFile } from "../program/option_file.ts";
import { signalStatus } from "../program/program.ts";
import { forwarding } from "../ssh/forwarding/forwarding.ts";
import { generateHostKey, loadHostKey } from "../ssh/keys/host_key.ts";
import { SshServer } from "../ssh/server.ts";
import { SftpServer } from "../ssh/sftp/serve.ts";
import { readCaFile } from "../wire/dial/ca_file.ts";
import { makeRendezvousId } from "../protocol/names.ts";
import type { RegisteredMessage } from "../protocol/messages.ts";
import { wantsColor } from "./announce/announcement.ts";
import { Announcer } from "./announce/announcer.ts";
import { forgetDetached, isDetached } from "./control/detach.ts";
import { makeIfMissing, modifiedTime, WatchedFile } from "./watched_file.ts";
import { type LifetimeEnd, LifetimeKeeper, type LifetimeStatus } from "./lifetime/keeper.ts";
import { LocalControl, type LocalControlOptions } from "./control/local_control.ts";
import { loginMessage } from "./lifetime/login_message.ts";
import { type AgentOutput, openOutput } from "./output.ts";
import { Registration } from "./registration.ts";
import { StatusReporter } from "./status_reporter.ts";
import { agentFacts, chooseAgentShell, fetchAllKeys } from "./settings.ts";

/** The hold file's name in the agent's directory. */
const HOLD_FILE = ".hold";

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
  const detached = isDetached();
  forgetDetached();
  using output = openOutput({ ...options, detached });
  try {
    return await serve(server, { ...options, detached }, output, signal);
  } catch (error) {
    if (options.logFile !== undefined) output.log.error("the agent failed", { reason: error });
    throw error;
  }
}

/** The same with its log open; `detached` is for the one in the background. */
async function serve(
  server: URL,
  options: AgentOptions & { detached: boolean },
  output: AgentOutput,
  signal: AbortSignal,
): Promise<number> {
  const { log } = output;
  const env = Deno.env.toObject();
  const cwd = Deno.cwd();
  const holdPath = join(cwd, HOLD_FILE);
  const keysFile = resolve(cwd, options.authorizedKeys);
  const token = options.tokenFile === undefined
    ? env.CONVERGE_AGENT_TOKEN || undefined
    : readSecretFile("--token-file", options.tokenFile);
  const ca = options.caFile === undefined ? undefined : await readCaFile(options.caFile);
  const hostKey = options.hostKey === undefined
    ? generateHostKey()
    : await loadHostKey(options.hostKey);
  const extraKeys = await fetchAllKeys(options, { ca, signal, log });
  if (options.insecure) log.warn("any certificate of the server is trusted");
  if (options.hold) makeIfMissing("hold file", holdPath);

  const shell = chooseAgentShell(options.shell, env);
  const id = options.id ?? makeRendezvousId();
  let registration: RegisteredMessage | undefined;
  const ended = new AbortController();

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
    print: output.print,
  });
  const announce = async (status: LifetimeStatus, onlyNews = false) => {
    if (!registration) return;
    await announcer.announce(registration, status, { signal: ended.signal, onlyNews });
  };
  using lifetime = new LifetimeKeeper({
    mode: options.detached ? "background" : "foreground",
    expiry: options.expiry,
    warningTime: options.warningTime,
    log,
    readHold: (known) => modifiedTime(holdPath, known),
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
      opened(session) {
        lifetime.opened(session);
        reporter.opened(session);
      },
      closed(session) {
        lifetime.closed(session);
        reporter.closed(session);
      },
      input: () => lifetime.input(),
      welcome: () =>
        loginMessage({
          ...lifetime.status,
          id: sessionEnv.CONVERGE_ID!,
          shell: shell.kind,
          os: Deno.build.os,
          now: Date.now(),
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
      announce(lifetime.status, true).then(() => output.registered());
    },
    onClient: (stream, client) => {
      const served = ssh.serve(stream, client, ended.signal);
      reporter.client(client, served);
      return served;
    },
  });

  using reporter = new StatusReporter({
    lifetime: () => lifetime.status,
    report: (status) => rendezvous.report(status),
  });
  const control = await openControl({
    dir: cwd,
    log,
    status: () => ({
      ...lifetime.status,
      id: sessionEnv.CONVERGE_ID!,
      pid: Deno.pid,
      ...registration && announcer.describe(registration, lifetime.status),
    }),
    follow: output.follow,
    release: () => lifetime.release(),
    end: (reason, status) => lifetime.end(reason, status),
  });
  const cancel = () => lifetime.end("cancelled", signalStatus(signal));
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  const running = rendezvous.run(ended.signal);
  let end: LifetimeEnd = { reason: "failed", status: 1 };
  try {
    end = await Promise.race([lifetime.ended, running.then(() => end)]);
    return end.status;
  } finally {
    signal.removeEventListener("abort", cancel);
    ended.abort();
    await Promise.allSettled([running, announcer.done()]);
    const jobWillAsk = registration !== undefined && lifetime.status.mode !== "foreground";
    await control?.finish(end, jobWillAsk);
  }
}

/**
 * Opens the way for `agent wait` and such. People can log in without it, for instance in a directory of
 * others.
 */
async function openControl(options: LocalControlOptions): Promise<LocalControl | undefined> {
  try {
    return await LocalControl.start(options);
  } catch (error) {
    options.log.warn("agent wait, stop, status and end will not find this agent", {
      reason: error,
    });
  }
}
