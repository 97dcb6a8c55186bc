/** The command line of the agent. */
import { isRendezvousId, RENDEZVOUS_ID_RULE, websocketUrl } from "../wire/protocol.ts";
import {
  type Command,
  createCommand,
  Option,
  optionParser,
  parseChoice,
  repeatable,
} from "./command.ts";
import { parseDuration } from "./duration.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";

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
  logLevel: LogLevel;
}

function parseId(text: string): string {
  if (!isRendezvousId(text)) throw new TypeError(`"${text}" is not ${RENDEZVOUS_ID_RULE}.`);
  return text;
}

function parseHttpsUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw new TypeError(`"${text}" is not an https URL.`);
  return url;
}

/**
 * The agent's command.
 *
 * @param run gets the server's URL and the options of `agent [options] URL`
 */
export function agentCommand(
  run: (server: URL, options: AgentOptions) => Promise<void>,
): Command {
  return createCommand(
    "agent",
    "Gives people a shell in this job, through a Converge server, with nothing but ssh and sftp.",
  )
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
      new Option("--warning-time <time>", "warn this long before the end")
        .argParser(optionParser(parseDuration)).default(300_000, "5m"),
    )
    .option("--hold", "start with the hold file in place")
    .option("--token-file <file>", "what the server asks agents for (env: CONVERGE_AGENT_TOKEN)")
    .option("--ca-file <file>", "trust this CA for the server's certificate too")
    .option("--insecure", "trust any certificate of the server")
    .option("--allow-remote-bind", "let ssh -R listen on other addresses than loopback")
    .option(
      "--notify-url <url>",
      "post the registration to this https URL, for chats",
      repeatable(parseHttpsUrl),
    )
    .option("--json", "print the registration as one line of JSON")
    .addOption(
      new Option("--log-level <level>", LOG_LEVELS.join(", "))
        .argParser(optionParser(parseChoice(LOG_LEVELS))).default("info"),
    )
    .action(run);
}
