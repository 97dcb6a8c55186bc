/** The command line of the agent. */
import { isRendezvousId, RENDEZVOUS_ID_RULE } from "../protocol/names.ts";
import { websocketUrl } from "../protocol/messages.ts";
import {
  type Command,
  createCommand,
  Option,
  optionParser,
  parseChoice,
  parseInteger,
  repeatable,
  withLicenses,
} from "./command.ts";
import { parseDuration } from "../text/duration.ts";
import { LOG_LEVELS, type LogLevel } from "../log/log.ts";

/** What `agent URL` was asked to do. */
export interface AgentOptions {
  /** Missing: the agent makes one up. */
  id?: string;
  authorizedKeys: string;
  githubUser?: string[];
  gitlabUser?: string[];
  keysUrl?: URL[];
  hostKey?: string;
  shell?: string;
  /** Milliseconds. */
  expiry: number;
  /** Milliseconds. */
  warningTime: number;
  hold?: boolean;
  tokenFile?: string;
  caFile?: string;
  insecure?: boolean;
  allowRemoteBind?: boolean;
  notifyUrl?: URL[];
  json?: boolean;
  /** Start in the background. */
  detach?: boolean;
  /** Where the log goes in place of stderr. */
  logFile?: string;
  logLevel: LogLevel;
}

/** What `agent wait`, `stop`, `status` and `end` have in common. */
export interface ControlOptions {
  /** Missing: the only agent there is. */
  id?: string;
}

/** What the agent's program does for each of its commands. */
export interface AgentActions {
  run: (server: URL, options: AgentOptions) => Promise<void>;
  wait: (options: ControlOptions) => Promise<void>;
  stop: (options: ControlOptions) => Promise<void>;
  status: (options: ControlOptions & { json?: boolean }) => Promise<void>;
  end: (options: ControlOptions & { status: number }) => Promise<void>;
}

/** Where the log of an agent in the background goes. */
const DETACHED_LOG_FILE = ".converge/agent.log";

/** How long before the end warnings start, in milliseconds; with a short expiry, half of that. */
const WARNING_TIME_MS = 300_000;

function parseId(text: string): string {
  if (!isRendezvousId(text)) throw new TypeError(`"${text}" is not ${RENDEZVOUS_ID_RULE}.`);
  return text;
}

/** The announcement holds no secret, so a program on this machine may get it without TLS. */
function parseWebhookUrl(text: string): URL {
  const url = URL.parse(text);
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url?.hostname ?? "");
  return url?.protocol === "http:" && isLocal ? url : parseHttpsUrl(text);
}

function parseHttpsUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw new TypeError(`"${text}" is not an https URL.`);
  return url;
}

/** The agent's command and the ones beside it. */
export function agentCommand(actions: AgentActions): Command {
  const command = withLicenses(createCommand(
    "agent",
    "Gives people a shell in this job, through a Converge server, with nothing but ssh and sftp.",
  ))
    // So that `agent status --json` is not taken for `agent --json status`.
    .enablePositionalOptions()
    .argument("<url>", "the server: ws, wss, http or https", optionParser(websocketUrl))
    .addOption(
      new Option("--id <id>", "the rendez-vous ID (default: made up)")
        .env("CONVERGE_ID").argParser(optionParser(parseId)),
    )
    .option(
      "--authorized-keys <file>",
      "who may log in, one key a line, read at each login",
      ".authorized_keys",
    )
    .option("--github-user <name>", "the keys of this user of GitHub too", repeatable(String))
    .option("--gitlab-user <name>", "the keys of this user of GitLab too", repeatable(String))
    .option("--keys-url <url>", "the keys at this https URL too", repeatable(parseHttpsUrl))
    .option("--host-key <file>", "keep the host key here (default: a fresh one)")
    .option("--shell <path>", "the shell of sessions (default: the user's)")
    .addOption(
      new Option("--expiry <time>", "end this long after the last input")
        .argParser(optionParser(parseDuration)).default(600_000, "10m"),
    )
    .addOption(
      new Option(
        "--warning-time <time>",
        "warn this long before the end (default: 5m, at most half of --expiry)",
      ).argParser(optionParser(parseDuration)),
    )
    .option("--hold", "start with the hold file in place")
    .option("--token-file <file>", "what the server asks agents for (env: CONVERGE_AGENT_TOKEN)")
    .option("--ca-file <file>", "trust this CA for the server's certificate too")
    .option("--insecure", "trust any certificate of the server")
    .option("--allow-remote-bind", "let ssh -R listen on other addresses than loopback")
    .option(
      "--notify-url <url>",
      "post the registration to this https URL, for chats",
      repeatable(parseWebhookUrl),
    )
    .option("--json", "print the registration as one line of JSON")
    .option("--detach", "return once registered, and stay in the background")
    .option(
      "--log-file <file>",
      `put the log here (default: on stderr, with --detach in ${DETACHED_LOG_FILE})`,
    )
    .addOption(
      new Option("--log-level <level>", LOG_LEVELS.join(", "))
        .argParser(optionParser(parseChoice(LOG_LEVELS))).default("info"),
    )
    .action((server: URL, options) => actions.run(server, withDefaults(options)));
  const sub = (name: string, description: string) =>
    command.command(name).description(description)
      .option("--id <id>", "which agent, if there are several", optionParser(parseId));
  sub("wait", "At the end of the job: wait for those who are in it; the agent's exit status")
    .action(actions.wait);
  sub("stop", "End the agent at once").action(actions.stop);
  sub("status", "Print how the agent is doing").option("--json", "as one line of JSON")
    .action(actions.status);
  sub("end", "End the agent with an exit status, and the job with it")
    .option("--status <number>", "0 to 255", optionParser(parseInteger(0, 255)), 0)
    .action(actions.end);
  return command;
}

function withDefaults(options: Omit<AgentOptions, "warningTime">): AgentOptions {
  return {
    warningTime: Math.min(WARNING_TIME_MS, options.expiry / 2),
    ...options.detach ? { logFile: DETACHED_LOG_FILE } : {},
    ...options,
  };
}
