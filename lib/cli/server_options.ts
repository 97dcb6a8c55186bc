/** The command line and the environment of the server. */
import { isUsername } from "../protocol/names.ts";
import { parseBasePath } from "../protocol/base_path.ts";
import {
  type ClusterFlags,
  clusterOptions,
  type ClusterSettings,
  clusterSettings,
  refuseShownPassword,
} from "./cluster_options.ts";
import {
  type Command,
  createCommand,
  type Option,
  option,
  optionParser,
  parseChoice,
  parseInteger,
  withLicenses,
  withReference,
} from "./command.ts";
import { parseDuration } from "../text/duration.ts";
import { type IpRange, parseIpRanges } from "../text/ip_address.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "../log/log.ts";
import { errorMessage } from "../text/error_message.ts";
import { UsageError } from "./usage_error.ts";
import { parseSize } from "../text/size.ts";

/** A certificate chain and its key, in PEM. */
export interface Tls {
  cert: string;
  key: string;
}

/** The options of the server; secrets and TLS files are read already. */
export interface ServerOptions {
  /** 0: any free one. */
  port: number;
  host: string;
  /** Of the jump host, 0: any free one; missing: no jump host. */
  sshPort?: number;
  /** The file with the jump host's key; missing: in the state directory, or a new one. */
  sshHostKey?: string;
  /** Empty or `/prefix`. */
  basePath: string;
  username: string;
  password?: string;
  agentToken?: string;
  adminPassword?: string;
  /** Certificate chain and key in PEM; missing: no TLS. */
  tls?: Tls;
  /** Reads the files of {@link tls} again; throws an Error with the option and the reason. */
  readTls?: () => Promise<Tls>;
  trustProxy: boolean;
  staticDir: string;
  /** Where what outlives the server is kept; missing: nothing is. */
  stateDir?: string;
  /** Whether to build the executables that are missing there or outdated, beside serving. */
  build?: boolean;
  /** The action that the usage page names: `OWNER/REPOSITORY@REF`. */
  githubAction?: string;
  maxAgents: number;
  maxClientsPerAgent: number;
  maxClientsPerAddress: number;
  /** 0: any number. */
  maxConnectionsPerMinute: number;
  /** 0: any number. */
  maxRegistrationsPerMinute: number;
  /** Addresses without limits of their own. */
  exempt?: IpRange[];
  /** Bytes. */
  maxBuffer: number;
  /** Milliseconds. */
  drain: number;
  logFormat: LogFormat;
  logLevel: LogLevel;
  /** Missing: it is the only one. */
  cluster?: ClusterSettings;
}

/** Reads files that options name; both reject with the option and the reason. */
export interface OptionFiles {
  readOptionFile(flag: string, file: string): Promise<string>;
  readSecretFile(flag: string, file: string): Promise<string>;
}

/** The arguments as commander parses them. */
type Flags =
  & Omit<
    ServerOptions,
    "password" | "agentToken" | "adminPassword" | "tls" | "readTls" | "trustProxy" | "cluster"
  >
  & ClusterFlags
  & Partial<Record<"passwordFile" | "agentTokenFile" | "adminPasswordFile", string>>
  & Partial<Record<"tlsCert" | "tlsKey", string>>
  & { trustProxy?: boolean };

/** Less would cut off honest peers: agents let clients send 6 MiB before they read it. */
const MIN_BUFFER = 2 ** 23;
const MAX_BUFFER = 2 ** 30;

function parseUsername(text: string): string {
  if (isUsername(text)) return text;
  throw new TypeError(`"${text}" is not a name of at most 32 letters, digits, dots and hyphens.`);
}

function parseBuffer(text: string): number {
  const size = parseSize(text);
  if (size >= MIN_BUFFER && size <= MAX_BUFFER) return size;
  throw new TypeError(`"${text}" is not between 8MiB and 1GiB.`);
}

function parseHost(text: string): string {
  if (/^[A-Za-z0-9._:%-]+$/.test(text)) return text;
  throw new TypeError(`"${text}" is not an address or a host name.`);
}

function parseAction(text: string): string {
  if (/^[\w.-]+(\/[\w.-]+)+@[\w./-]+$/.test(text)) return text;
  throw new TypeError(`"${text}" is not an action: OWNER/REPOSITORY@REF.`);
}

function parseSwitch(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new TypeError(`"${text}" is neither true nor false.`);
}

function makeOptions(): Option[] {
  return [
    option("--port <port>", "listen on this port; 0 is any free port", parseInteger(0, 65_535))
      .default(8_000),
    option("--host <address>", "listen on this address", parseHost).default("0.0.0.0"),
    option(
      "--ssh-port <port>",
      "let ssh -J reach agents through this port (default: off)",
      parseInteger(0, 65_535),
    ),
    option(
      "--ssh-host-key <file>",
      "keep the host key for --ssh-port in this file (default: in the state directory)",
    ),
    option("--base-path <path>", "prefix all paths with this", parseBasePath).default("", "/"),
    option("--username <name>", "log in to agents as this user", parseUsername).default("converge"),
    option(
      "--password-file <file>",
      "let people log in to agents with the password in this file (default: none)",
    ),
    option(
      "--agent-token-file <file>",
      "register only agents with the token in this file (default: none)",
    ),
    option(
      "--admin-password-file <file>",
      "require the password in this file for sessions and metrics (default: none)",
    ),
    option(
      "--tls-cert <file>",
      "serve https with the certificate chain in this PEM file; read again at SIGHUP",
    ),
    option("--tls-key <file>", "the certificate's key, a PEM file"),
    option("--trust-proxy", "trust the forwarded headers of a reverse proxy"),
    option("--static-dir <dir>", "serve the executables in this directory").default("dist"),
    option(
      "--state-dir <dir>",
      "keep the key by which agents get their IDs back in this directory (default: none)",
    ),
    option(
      "--github-action <name>",
      "name this action on the usage page, as in acme/converge@v1 (default: a placeholder)",
      parseAction,
    ),
    option("--build", "build missing or outdated executables while serving"),
    option("--max-agents <n>", "register at most this many agents", parseInteger(1, 1_000_000))
      .default(10_000),
    option(
      "--max-clients-per-agent <n>",
      "connect at most this many clients to an agent",
      parseInteger(1, 10_000),
    )
      .default(128),
    option(
      "--max-clients-per-address <n>",
      "connect at most this many clients to an agent from one address",
      parseInteger(1, 10_000),
    ).default(96),
    option(
      "--max-connections-per-minute <n>",
      "take at most this many websockets a minute from one address; 0 is any number",
      parseInteger(0, 1_000_000),
    ).default(3_000),
    option(
      "--max-registrations-per-minute <n>",
      "register at most this many agents a minute from one address; 0 is any number",
      parseInteger(0, 1_000_000),
    ).default(1_000),
    option(
      "--exempt <ranges>",
      "limit none of these addresses, as in 192.0.2.0/24,2001:db8::/32 (default: none)",
      parseIpRanges,
    ),
    option(
      "--max-buffer <size>",
      "disconnect a pair whose receiver is this far behind",
      parseBuffer,
    )
      .default(2 ** 24, "16MiB"),
    option("--drain <time>", "wait this long for open pairs when ending", parseDuration)
      .default(30_000, "30s"),
    ...clusterOptions(),
    option(
      "--log-format <format>",
      `write lines as ${LOG_FORMATS.join(" or ")}`,
      parseChoice(LOG_FORMATS),
    )
      .default("text"),
    option(
      "--log-level <level>",
      `log this and above: ${LOG_LEVELS.join(", ")}`,
      parseChoice(LOG_LEVELS),
    ).default("info"),
  ];
}

/** What prints something is no setting. */
const NOT_SETTINGS = new Set(["--version", "--licenses", "--completions", "--manual"]);

const HELP_ENV = `
Each option can be set in the environment too: --base-path as CONVERGE_BASE_PATH. The option wins;
an empty variable counts as not set.
CONVERGE_PASSWORD, CONVERGE_AGENT_TOKEN, CONVERGE_ADMIN_PASSWORD, CONVERGE_CLUSTER_PASSWORD and
CONVERGE_PEER_KEY hold the secrets themselves.`;

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
  const command = withReference(
    withLicenses(createCommand("server", "Connects people to agents in CI jobs.")),
  );
  for (const made of makeOptions()) command.addOption(made);
  for (const made of command.options) {
    const name = envName(made.long ?? "");
    const text = env[name];
    // CI systems and compose files set a variable to nothing for what was left out.
    if (!text || NOT_SETTINGS.has(made.long ?? "")) continue;
    const parse = made.isBoolean() ? optionParser(parseSwitch) : made.parseArg;
    const value = parse ? parseVariable(() => parse.call({ long: name }, text, undefined)) : text;
    command.setOptionValueWithSource(made.attributeName(), value, "env");
  }
  return command
    .addHelpText("after", HELP_ENV)
    .action(async (flags: Flags) => {
      refuseShownPassword(flags, command.getOptionValueSource("clusterUrl"));
      await run(await readOptions(flags, env, files));
    });
}

/** `--base-path` is `CONVERGE_BASE_PATH`. */
function envName(flag: string): string {
  return `CONVERGE_${flag.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;
}

async function readOptions(
  flags: Flags,
  env: Record<string, string>,
  files: OptionFiles,
): Promise<ServerOptions> {
  const { clusterUrl, clusterPasswordFile, nodeUrl, peerKeyFile, ...single } = flags;
  const { passwordFile, agentTokenFile, adminPasswordFile, tlsCert, tlsKey, ...rest } = single;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together; give both or none");
  }
  /** The secret of a file, else that of the environment, if not empty. */
  const readSecret = async (flag: string, file?: string, env?: string) =>
    file === undefined ? env || undefined : await files.readSecretFile(flag, file).catch(wrongUse);
  const readTls = tlsCert === undefined || tlsKey === undefined ? undefined : async () => ({
    cert: await files.readOptionFile("--tls-cert", tlsCert),
    key: await files.readOptionFile("--tls-key", tlsKey),
  });
  const cluster = clusterSettings({
    url: clusterUrl,
    nodeUrl,
    password: await readSecret(
      "--cluster-password-file",
      clusterPasswordFile,
      env.CONVERGE_CLUSTER_PASSWORD,
    ),
    peerKey: await readSecret("--peer-key-file", peerKeyFile, env.CONVERGE_PEER_KEY),
  });
  return {
    ...rest,
    ...cluster && { cluster },
    trustProxy: rest.trustProxy ?? false,
    password: await readSecret("--password-file", passwordFile, env.CONVERGE_PASSWORD),
    agentToken: await readSecret("--agent-token-file", agentTokenFile, env.CONVERGE_AGENT_TOKEN),
    adminPassword: await readSecret(
      "--admin-password-file",
      adminPasswordFile,
      env.CONVERGE_ADMIN_PASSWORD,
    ),
    tls: await readTls?.().catch(wrongUse),
    ...readTls && { readTls },
  };
}

function parseVariable<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    wrongUse(error);
  }
}

/** Makes any error wrong use: of the environment, or of a file that cannot be read. */
function wrongUse(error: unknown): never {
  throw new UsageError(errorMessage(error), { cause: error });
}
