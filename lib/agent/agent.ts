/**
 * The agent: an SSH server that people reach through the rendez-vous server, for as long as its
 * lifetime allows.
 *
 * @module
 */
import type { AgentOptions } from "../cli/agent_options.ts";
import type { RegisteredMessage } from "../protocol/messages.ts";
import { leaveDirectory, reapOrphans } from "../process/self.ts";
import { giveFreeMemoryBack } from "../program/free_memory.ts";
import { signalStatus } from "../program/program.ts";
import { errorMessage } from "../text/error_message.ts";
import { unlessAborted } from "../wire/delay.ts";
import { wantsColor } from "./announce/announcement.ts";
import { Announcer } from "./announce/announcer.ts";
import { programName } from "./announce/program_name.ts";
import { forgetDetached, isDetached, reportHome } from "./control/detach.ts";
import { Reporter } from "./control/report_home.ts";
import { LocalControl } from "./control/local_control.ts";
import type { AgentStatus } from "./control/request.ts";
import { type LifetimeClock, systemClock } from "./lifetime/clock.ts";
import { type LifetimeEnd, LifetimeKeeper } from "./lifetime/keeper.ts";
import type { LifetimeMode } from "./lifetime/lifetime.ts";
import { JobSessions } from "./job_sessions.ts";
import { type AgentOutput, openOutput } from "./output.ts";
import { agentFacts, type AgentSetup, prepareAgent } from "./prepare.ts";
import { Registration } from "./registration.ts";
import { StatusReporter } from "./status_reporter.ts";
import { modifiedTime, WatchedFile } from "./watched_file.ts";

/**
 * Runs an agent until its lifetime ends, or the signal, whose reason is the name of the operating
 * system's.
 *
 * @returns the exit status
 * @throws {Error} if an option names what cannot be used, or the server cannot be reached
 */
export async function runAgent(
  server: URL,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<number> {
  using _memory = giveFreeMemoryBack();
  const detached = isDetached();
  const home = reportHome();
  forgetDetached();
  await using reporter = home === undefined ? undefined : await Reporter.connect(home);
  const print = reporter && ((text: string) => reporter.print(text));
  await using output = await openOutput({ ...options, detached, print });
  try {
    const preparing = prepareAgent(server, options, { signal, log: output.log });
    const setup = await unlessAborted(signal, preparing);
    leaveDirectory();
    reapOrphans();
    const mode = detached ? "background" : "foreground";
    await using agent = new JobAgent(setup, { output, mode });
    return await agent.run(signal);
  } catch (error) {
    if (signal.aborted) return signalStatus(signal);
    // It has no stderr.
    print?.(`agent: ${errorMessage(error)}\n`);
    if (options.logFile !== undefined) output.log.error("the agent failed", { reason: error });
    throw error;
  }
}

/** What an agent is doing. */
type AgentState =
  | { phase: "starting" }
  /** People can log in, with what the server said at the latest registration. */
  | { phase: "registered"; registration: RegisteredMessage }
  /** Sessions are being ended; `registration` is missing if there was none. */
  | { phase: "ending"; registration?: RegisteredMessage };

export interface AgentContext {
  output: AgentOutput;
  mode: LifetimeMode;
  /** @default the machine's own time */
  clock?: LifetimeClock;
}

/** An agent from its start to its end. */
export class JobAgent implements AsyncDisposable {
  readonly #setup: AgentSetup;
  readonly #output: AgentOutput;
  readonly #mode: LifetimeMode;
  readonly #clock: LifetimeClock;
  readonly #ended = new AbortController();
  readonly #parts = new AsyncDisposableStack();
  readonly #announcer: Announcer;
  readonly #lifetime: LifetimeKeeper;
  readonly #reporter: StatusReporter;
  readonly #sessions: JobSessions;
  readonly #rendezvous: Registration;
  #state: AgentState = { phase: "starting" };

  constructor(setup: AgentSetup, { output, mode, clock = systemClock }: AgentContext) {
    this.#setup = setup;
    this.#output = output;
    this.#mode = mode;
    this.#clock = clock;
    this.#announcer = this.#makeAnnouncer();
    this.#lifetime = this.#parts.use(this.#makeLifetime());
    this.#reporter = this.#parts.use(
      new StatusReporter({
        lifetime: () => this.#lifetime.status,
        report: (status) => this.#rendezvous.report(status),
      }),
    );
    this.#sessions = this.#parts.use(this.#makeSessions());
    this.#rendezvous = this.#makeRegistration();
    this.#watchFiles();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  /** Runs until the lifetime ends, or the signal. @returns the exit status */
  async run(signal: AbortSignal): Promise<number> {
    const control = await this.#openControl();
    const cancel = () => this.#lifetime.end("cancelled", signalStatus(signal));
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    const running = this.#rendezvous.run(this.#ended.signal);
    let end: LifetimeEnd = { reason: "failed", status: 1 };
    try {
      end = await Promise.race([this.#lifetime.ended, running.then(() => end)]);
      return end.status;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#state = { phase: "ending", registration: this.#registration };
      this.#ended.abort();
      await Promise.allSettled([running, this.#announcer.done()]);
      const jobWillAsk = this.#registration !== undefined &&
        this.#lifetime.status.mode !== "foreground";
      await control?.finish({ id: this.#id, ended: end }, jobWillAsk);
    }
  }

  get #registration(): RegisteredMessage | undefined {
    return this.#state.phase === "starting" ? undefined : this.#state.registration;
  }

  /** The ID that the agent has, or asks for. */
  get #id(): string {
    return this.#registration?.id ?? this.#setup.id;
  }

  #makeAnnouncer(): Announcer {
    const { server, options, hostKeys, keysFile, extraKeys, env, ca, cwd } = this.#setup;
    const executable = Deno.build.standalone ? Deno.execPath() : undefined;
    return new Announcer({
      server,
      wantedId: options.id,
      hostKeys,
      keysFile,
      extraKeys,
      program: programName(executable, cwd),
      json: options.json ?? false,
      color: wantsColor(Deno.stdout.isTerminal(), env),
      env,
      notify: options.notifyUrl ?? [],
      ca,
      caFile: options.caFile,
      now: () => this.#clock.wall(),
      log: this.#output.log,
      print: this.#output.print,
    });
  }

  #makeLifetime(): LifetimeKeeper {
    const { options: { expiry, warningTime }, holdPath } = this.#setup;
    return new LifetimeKeeper({
      mode: this.#mode,
      expiry,
      warningTime,
      clock: this.#clock,
      log: this.#output.log,
      readHold: (known) => modifiedTime(holdPath, known),
      announce: () => this.#announce({ onlyNews: false }),
    });
  }

  /** Tells how to log in, once the agent is registered. */
  async #announce({ onlyNews }: { onlyNews: boolean }): Promise<void> {
    if (!this.#registration) return;
    const { signal } = this.#ended;
    await this.#announcer.announce(this.#registration, this.#lifetime.status, { signal, onlyNews });
  }

  #watchFiles(): void {
    const { holdPath, keysFile } = this.#setup;
    const { log } = this.#output;
    const onHold = (modified?: number) => this.#lifetime.hold(modified);
    // Sessions that open look at it, too: what it was then may be gone at the next look.
    const known = () => this.#lifetime.holdModified;
    this.#parts.use(new WatchedFile(holdPath, { log, onChange: onHold, known }));
    const onKeys = () => void this.#announce({ onlyNews: true });
    this.#parts.use(new WatchedFile(keysFile, { log, onChange: onKeys }));
  }

  #makeSessions(): JobSessions {
    return new JobSessions(this.#setup, {
      log: this.#output.log,
      clock: this.#clock,
      lifetime: this.#lifetime,
      reporter: this.#reporter,
      id: () => this.#id,
    });
  }

  #makeRegistration(): Registration {
    const { server, id, token, shell, ca, options: { insecure, resumeTime } } = this.#setup;
    const { signal } = this.#ended;
    return new Registration({
      server,
      id,
      token,
      facts: agentFacts(shell),
      tls: { ca, insecure },
      log: this.#output.log,
      onRegistered: (registration) => this.#registered(registration),
      onClient: (stream, client, registration) =>
        this.#sessions.serve(stream, client, registration, signal),
      onResumable: resumeTime === 0
        ? undefined
        : (link, client, registration) =>
          this.#sessions.serveResumable(link, client, registration, signal),
    });
  }

  #registered(registration: RegisteredMessage): void {
    this.#state = { phase: "registered", registration };
    this.#announce({ onlyNews: true }).then(() => this.#output.registered());
  }

  /**
   * Opens the way for `agent wait` and such. People can log in without it, for instance when the
   * directory is another user's; but an agent in the background could not be found again.
   */
  async #openControl(): Promise<LocalControl | undefined> {
    const { log, follow } = this.#output;
    try {
      return await LocalControl.start({
        dir: this.#setup.dir,
        log,
        status: () => this.#status(),
        follow,
        release: () => this.#lifetime.release(),
        end: (reason, status, by) => this.#lifetime.end(reason, status, by),
      });
    } catch (error) {
      if (this.#mode === "background") throw error;
      log.warn("agent wait, stop, status and end cannot find this agent", { reason: error });
    }
  }

  async #status(): Promise<AgentStatus> {
    this.#lifetime.checkHold();
    const { status } = this.#lifetime;
    const announced = this.#registration &&
      await this.#announcer.describe(this.#registration, status);
    return { ...status, id: this.#id, pid: Deno.pid, ...announced };
  }
}
