/** The command line of the agent. */
import { isRendezvousId, RENDEZVOUS_ID_RULE } from "../protocol/names.ts";
import { websocketUrl } from "../protocol/urls.ts";
import {
  type Command,
  CommanderError,
  createCommand,
  Option,
  optionParser,
  parseChoice,
  parseInteger,
  repeatable,
  withLicenses,
  withReference,
} from "./command.ts";
import { resumeTimeOption } from "./resume_time.ts";
import { parseDuration } from "../text/duration.ts";
import { type IpRange, parseIpRanges } from "../text/ip_address.ts";
import { LOG_LEVELS, type LogLevel } from "../log/log.ts";

/** The options of `agent URL`. */
export interface AgentOptions {
  /** Missing: a random one. */
  id?: string;
  authorizedKeys: string;
  githubUser?: string[];
  githubActor?: boolean;
  gitlabUser?: string[];
  keysUrl?: URL[];
  hostKey?: string[];
  hostKeyTypes?: (typeof HOST_KEY_TYPES)[number][];
  shell?: string;
  envFile?: string[];
  /** Milliseconds. */
  expiry: number;
  /** Milliseconds. */
  warningTime: number;
  hold?: boolean;
  /** How long clients may be away, in milliseconds; 0: not at all. */
  resumeTime: number;
  tokenFile?: string;
  caFile?: string;
  insecure?: boolean;
  allowRemoteBind?: boolean;
  /** Addresses that are never locked out. */
  exempt?: IpRange[];
  notifyUrl?: URL[];
  json?: boolean;
  /** Start in the background. */
  detach?: boolean;
  /** Where the log goes instead of stderr. */
  logFile?: string;
  logLevel: LogLevel;
}

/** The options that `agent wait`, `stop`, `status` and `end` share. */
export interface ControlOptions {
  /** Missing: the only agent in the directory. */
  id?: string;
}

/** What the program does for each of its commands. */
export interface AgentActions {
  run: (server: URL, options: AgentOptions) => Promise<void>;
  wait: (options: ControlOptions) => Promise<void>;
  stop: (options: ControlOptions) => Promise<void>;
  status: (options: ControlOptions & { json?: boolean; windows?: boolean }) => Promise<void>;
  end: (options: ControlOptions & { status: number }) => Promise<void>;
  keygen: () => void;
}

/** Where the log of an agent in the background goes. */
const DETACHED_LOG_FILE = ".converge/agent.log";

/** Names the server in place of the argument. */
const SERVER_VARIABLE = "CONVERGE_SERVER";

/** How long before the end warnings start, in milliseconds; half of --expiry if that is less. */
const WARNING_TIME_MS = 300_000;

/** As ssh-keygen calls them. */
const HOST_KEY_TYPES = ["ed25519", "ecdsa", "rsa"] as const;

function parseHostKeyTypes(text: string): (typeof HOST_KEY_TYPES)[number][] {
  return [...new Set(text.split(","))].map(parseChoice(HOST_KEY_TYPES));
}

function parseId(text: string): string {
  if (!isRendezvousId(text)) throw new TypeError(`"${text}" is not ${RENDEZVOUS_ID_RULE}.`);
  return text;
}

function parseExpiry(text: string): number {
  const expiry = parseDuration(text);
  if (expiry === 0) throw new TypeError("nobody can log in to an agent that ends at once.");
  return expiry;
}

/** The announcement has no secret, so a program on this machine may get it without TLS. */
function parseWebhookUrl(text: string): URL {
  const url = URL.parse(text);
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url?.hostname ?? "");
  return url?.protocol === "http:" && isLocal ? url : parseHttpsUrl(text);
}

/** The error leaves the URL out: a webhook's is a secret. */
function parseHttpsUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw new TypeError("it is not an https URL.");
  return url;
}

/** The server's URL from the environment, where no other program sees a login in it. */
function serverOf(env: Record<string, string>): URL {
  const text = env[SERVER_VARIABLE];
  // As commander says it of an argument that is not optional.
  if (!text) throw new CommanderError(1, "missing", "error: missing required argument 'url'");
  return optionParser(websocketUrl).call({ long: SERVER_VARIABLE }, text);
}

/**
 * The agent's command and the ones beside it.
 *
 * @param env the environment @default empty
 */
export function agentCommand(actions: AgentActions, env: Record<string, string> = {}): Command {
  const command = withReference(withLicenses(createCommand(
    "agent",
    "Gives people access to this job by ssh and sftp, through a Converge server.",
  )))
    // Lets `agent status --json` differ from `agent --json status`.
    .enablePositionalOptions()
    .argument(
      "[url]",
      `the server's URL: ws, wss, http or https (env: ${SERVER_VARIABLE})`,
      optionParser(websocketUrl),
    )
    .addOption(
      new Option("--id <id>", "register with this rendez-vous ID")
        .default(undefined, "a random one").env("CONVERGE_ID").argParser(optionParser(parseId)),
    )
    .option(
      "--authorized-keys <file>",
      "let the public keys in this file log in; read at each login",
      ".authorized_keys",
    )
    .option("--github-user <name>", "let the keys of this GitHub user log in", repeatable(String))
    .option("--github-actor", "let the keys of who started this job of GitHub Actions log in")
    .option("--gitlab-user <name>", "let the keys of this GitLab user log in", repeatable(String))
    .option(
      "--keys-url <url>",
      "let the keys at this https URL log in",
      repeatable(parseHttpsUrl),
    )
    .option(
      "--host-key <file>",
      "keep a host key in this file (default: a new one; env: CONVERGE_HOST_KEY, the key itself)",
      repeatable(String),
    )
    .option(
      "--host-key-types <list>",
      `have host keys of these types: ${HOST_KEY_TYPES.join(", ")} (default: ed25519)`,
      optionParser(parseHostKeyTypes),
    )
    .option("--shell <path>", "run this shell in sessions (default: the user's)")
    .option(
      "--env-file <file>",
      "set the variables in this file in sessions; read at each session",
      repeatable(String),
    )
    .addOption(
      new Option("--expiry <time>", "end after this time without input")
        .argParser(optionParser(parseExpiry)).default(600_000, "10m"),
    )
    .addOption(
      new Option(
        "--warning-time <time>",
        "warn this long before the end (default: 5m, at most half of --expiry)",
      ).argParser(optionParser(parseDuration)),
    )
    .option("--hold", "create the hold file, so that the agent stays after the last shell")
    .addOption(
      resumeTimeOption("keep the sessions of clients that lost the connection for this long"),
    )
    .option(
      "--token-file <file>",
      "register with the token in this file (env: CONVERGE_AGENT_TOKEN)",
    )
    .option("--ca-file <file>", "trust the CA certificates in this PEM file too")
    .option("--insecure", "trust any certificate of the server")
    .option("--allow-remote-bind", "let ssh -R listen on addresses other than loopback")
    .option(
      "--exempt <ranges>",
      "never lock out these addresses after failed logins, as in 192.0.2.0/24,2001:db8::/32",
      optionParser(parseIpRanges),
    )
    .addOption(
      new Option("--notify-url <url>", "post the announcement to this https URL, as JSON")
        .env("CONVERGE_NOTIFY_URL").argParser(repeatable(parseWebhookUrl)),
    )
    .option("--json", "print the announcement as a line of JSON")
    .option("--detach", "run in the background; return when registered")
    .option(
      "--log-file <file>",
      `write the log to this file (default: stderr, with --detach ${DETACHED_LOG_FILE})`,
    )
    .addOption(
      new Option("--log-level <level>", `log this and above: ${LOG_LEVELS.join(", ")}`)
        .argParser(optionParser(parseChoice(LOG_LEVELS))).default("info"),
    )
    .action((server: URL | undefined, options) =>
      actions.run(server ?? serverOf(env), withDefaults(options))
    );
  const sub = (name: string, description: string) =>
    command.command(name).description(description)
      .option("--id <id>", "choose the agent with this ID", optionParser(parseId));
  sub("wait", "Wait for the agent at the end of the job; exit with its status")
    .action(actions.wait);
  sub("stop", "End the agent").action(actions.stop);
  sub("status", "Print the agent's status, and the commands to log in")
    .option("--json", "print it as a line of JSON")
    .option("--windows", "print the commands for Windows")
    .action(actions.status);
  sub("end", "End the agent with an exit status, which agent wait passes on")
    .option("--status <number>", "the status, 0 to 255", optionParser(parseInteger(0, 255)), 0)
    .action(actions.end);
  command.command("keygen").description("Make a host key for the secret CONVERGE_HOST_KEY")
    .action(() => actions.keygen());
  return command;
}

function withDefaults(options: Omit<AgentOptions, "warningTime">): AgentOptions {
  return {
    warningTime: Math.min(WARNING_TIME_MS, options.expiry / 2),
    ...options.detach ? { logFile: DETACHED_LOG_FILE } : {},
    ...options,
  };
}
