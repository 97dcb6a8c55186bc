/** The command line and the environment of the server. */
import { isUsername } from "../protocol/names.ts";
import { parseBasePath } from "../protocol/base_path.ts";
import {
  type Command,
  createCommand,
  Option,
  optionParser,
  parseChoice,
  parseInteger,
} from "./command.ts";
import { parseDuration } from "../text/duration.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "../log/log.ts";
import { errorMessage } from "../text/error_message.ts";
import { UsageError } from "./usage_error.ts";
import { parseSize } from "../text/size.ts";

/** What the server was asked to do; secrets are read, files of TLS too. */
export interface ServerOptions {
  /** 0: any free one. */
  port: number;
  host: string;
  /** Empty or `/prefix`. */
  basePath: string;
  username: string;
  password?: string;
  agentToken?: string;
  adminPassword?: string;
  /** Certificate chain and key in PEM; missing: no TLS. */
  tls?: { cert: string; key: string };
  trustProxy: boolean;
  staticDir: string;
  /** Where what outlives the server is kept; missing: nothing is. */
  stateDir?: string;
  /** Whether to build the executables that are missing there or outdated, beside serving. */
  build?: boolean;
  maxAgents: number;
  maxClientsPerAgent: number;
  maxClientsPerAddress: number;
  /** 0: any number. */
  maxConnectionsPerMinute: number;
  /** 0: any number. */
  maxRegistrationsPerMinute: number;
  /** Bytes. */
  maxBuffer: number;
  /** Milliseconds. */
  drain: number;
  logFormat: LogFormat;
  logLevel: LogLevel;
}

/** Reads files that options name; both throw what to say of one that cannot be used. */
export interface OptionFiles {
  readOptionFile(flag: string, file: string): string;
  readSecretFile(flag: string, file: string): string;
}

/** What commander makes of the arguments. */
type Flags =
  & Omit<ServerOptions, "password" | "agentToken" | "adminPassword" | "tls" | "trustProxy">
  & Partial<Record<"passwordFile" | "agentTokenFile" | "adminPasswordFile", string>>
  & Partial<Record<"tlsCert" | "tlsKey", string>>
  & { trustProxy?: boolean };

/** A buffer smaller than this would close pairs that are not behind at all. */
const MIN_BUFFER = 2 ** 16;
const MAX_BUFFER = 2 ** 30;

function parseUsername(text: string): string {
  if (isUsername(text)) return text;
  throw new TypeError(`"${text}" is not a name of letters, digits, dots and hyphens, 32 at most.`);
}

function parseBuffer(text: string): number {
  const size = parseSize(text);
  if (size >= MIN_BUFFER && size <= MAX_BUFFER) return size;
  throw new TypeError(`"${text}" is not between 64KiB and 1GiB.`);
}

function parseHost(text: string): string {
  if (/^[A-Za-z0-9._:%-]+$/.test(text)) return text;
  throw new TypeError(`"${text}" is not an address or a host name.`);
}

function parseSwitch(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new TypeError(`"${text}" is neither true nor false.`);
}

function option<T>(flags: string, description: string, parse?: (text: string) => T): Option {
  const made = new Option(flags, description);
  return parse ? made.argParser(optionParser(parse)) : made;
}

function makeOptions(): Option[] {
  return [
    option("--port <port>", "0: any free one", parseInteger(0, 65_535)).default(8_000),
    option("--host <address>", "where to listen", parseHost).default("0.0.0.0"),
    option("--base-path <path>", "a prefix of all paths", parseBasePath).default("", "/"),
    option("--username <name>", "who logs in at agents", parseUsername).default("converge"),
    option("--password-file <file>", "the password of logins at agents (default: none)"),
    option("--agent-token-file <file>", "what agents must show to register (default: nothing)"),
    option("--admin-password-file <file>", "locks sessions and metrics (default: open)"),
    option("--tls-cert <file>", "certificate chain in PEM: serve https"),
    option("--tls-key <file>", "its key in PEM"),
    option("--trust-proxy", "believe the forwarded headers of a reverse proxy"),
    option("--static-dir <dir>", "where the executables are").default("dist"),
    option("--state-dir <dir>", "keep here what agents get their IDs back with (default: nothing)"),
    option("--build", "build what is missing there, beside serving"),
    option("--max-agents <n>", "how many agents at a time", parseInteger(1, 1_000_000))
      .default(10_000),
    option("--max-clients-per-agent <n>", "how many clients each", parseInteger(1, 10_000))
      .default(32),
    option(
      "--max-clients-per-address <n>",
      "of these, how many from one address",
      parseInteger(1, 10_000),
    ).default(24),
    option(
      "--max-connections-per-minute <n>",
      "websockets from one address; 0: any number",
      parseInteger(0, 1_000_000),
    ).default(3_000),
    option(
      "--max-registrations-per-minute <n>",
      "agents from one address; 0: any number",
      parseInteger(0, 1_000_000),
    ).default(1_000),
    option("--max-buffer <size>", "close a pair whose receiver is further behind", parseBuffer)
      .default(2 ** 24, "16MiB"),
    option("--drain <time>", "how long open pairs get at the end", parseDuration)
      .default(30_000, "30s"),
    option("--log-format <format>", LOG_FORMATS.join(", "), parseChoice(LOG_FORMATS))
      .default("text"),
    option("--log-level <level>", LOG_LEVELS.join(", "), parseChoice(LOG_LEVELS)).default("info"),
  ];
}

const HELP_ENV = `
Each option can be set in the environment too, --base-path as CONVERGE_BASE_PATH; the option wins,
and a variable that is empty counts as not set.
CONVERGE_PASSWORD, CONVERGE_AGENT_TOKEN and CONVERGE_ADMIN_PASSWORD hold the secrets themselves.`;

/**
 * The server's command.
 *
 * @param run gets what `server [options]` asks for
 * @param env the environment
 * @param files reads the files that options name
 */
export function serverCommand(
  run: (options: ServerOptions) => Promise<void>,
  env: Record<string, string>,
  files: OptionFiles,
): Command {
  const command = createCommand("server", "Brings agents in CI jobs and their users together.");
  for (const made of makeOptions()) command.addOption(made);
  for (const made of command.options) {
    const name = envName(made.long ?? "");
    const text = env[name];
    // CI systems and compose files set a variable to nothing for what was left out.
    if (!text || made.long === "--version") continue;
    const parse = made.isBoolean() ? optionParser(parseSwitch) : made.parseArg;
    const value = parse ? wrongUse(() => parse.call({ long: name }, text, undefined)) : text;
    command.setOptionValueWithSource(made.attributeName(), value, "env");
  }
  return command
    .addHelpText("after", HELP_ENV)
    .action((flags: Flags) => run(readOptions(flags, env, files)));
}

/** `--base-path` is `CONVERGE_BASE_PATH`. */
function envName(flag: string): string {
  return `CONVERGE_${flag.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;
}

function readOptions(
  flags: Flags,
  env: Record<string, string>,
  files: OptionFiles,
): ServerOptions {
  const { passwordFile, agentTokenFile, adminPasswordFile, tlsCert, tlsKey, ...rest } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together; give both or none");
  }
  /** The secret of a file, else that of the environment, if not empty. */
  const readSecret = (flag: string, file?: string, env?: string) =>
    file === undefined ? env || undefined : wrongUse(() => files.readSecretFile(flag, file));
  return {
    ...rest,
    trustProxy: rest.trustProxy ?? false,
    password: readSecret("--password-file", passwordFile, env.CONVERGE_PASSWORD),
    agentToken: readSecret("--agent-token-file", agentTokenFile, env.CONVERGE_AGENT_TOKEN),
    adminPassword: readSecret(
      "--admin-password-file",
      adminPasswordFile,
      env.CONVERGE_ADMIN_PASSWORD,
    ),
    tls: tlsCert === undefined || tlsKey === undefined ? undefined : {
      cert: wrongUse(() => files.readOptionFile("--tls-cert", tlsCert)),
      key: wrongUse(() => files.readOptionFile("--tls-key", tlsKey)),
    },
  };
}

/** Takes whatever is thrown for wrong use: of the environment, or a file that cannot be read. */
function wrongUse<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
}
