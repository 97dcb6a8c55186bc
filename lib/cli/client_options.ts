/** The command lines of wsproxy and tunnel. */
import { websocketUrl } from "../protocol/urls.ts";
import {
  type Command,
  createCommand,
  optionParser,
  parseInteger,
  withLicenses,
  withReference,
} from "./command.ts";
import { resumeTimeOption } from "./resume_time.ts";
import { UsageError } from "./usage_error.ts";

/** The options of both programs. */
export interface ClientOptions {
  insecure?: boolean;
  caFile?: string;
  /** Name and value of each header. */
  header?: [string, string][];
  /** How long to try to reconnect, in milliseconds; 0: not at all. */
  resumeTime: number;
}

export interface WsproxyFlags extends ClientOptions {
  /** The file in which ssh keeps the host keys of jobs. */
  knownHosts?: string;
}

/** The options of `wsproxy setup`. */
export interface SetupFlags {
  /** Missing: `converge`. */
  suffix?: string;
  caFile?: string;
  undo?: boolean;
}

/** What wsproxy does for each of its commands. */
export interface WsproxyActions {
  /** @param host what ssh was told to connect to, if it is to name the job */
  run: (url: URL, host: string | undefined, options: WsproxyFlags) => Promise<void>;
  setUp: (server: URL | undefined, options: SetupFlags) => Promise<void>;
  update: (server: URL | undefined, options: { caFile?: string }) => Promise<void>;
}

export interface TunnelFlags extends ClientOptions {
  /** The address to listen on. */
  listen: string;
}

/**
 * Adds a header as curl takes it, `Name: value`.
 *
 * @throws {UsageError} if it is invalid; without the value, which may be secret
 */
function addHeader(text: string, headers: [string, string][] = []): [string, string][] {
  const colon = text.indexOf(":");
  const header: [string, string] = [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  try {
    if (colon < 1) throw new TypeError("there is no colon");
    new Headers([header]);
  } catch {
    throw new UsageError('cannot use --header: it must look like "Name: value"');
  }
  return [...headers, header];
}

function withClientOptions(command: Command): Command {
  return withReference(withLicenses(command))
    .option("--insecure", "trust any certificate of the server")
    .option("--ca-file <file>", "trust the CA certificates in this PEM file too")
    .option("--header <header>", 'send this header with the request: "Name: value"', addHeader)
    .addOption(resumeTimeOption("try to reconnect for this long when the connection is lost"));
}

const URL_ARGUMENT = "the URL of the websocket: ws, wss, http or https";
const SERVER_ARGUMENT = "the server's URL: ws, wss, http or https";

/** One label of a host name, so that nothing but the ID is in front of it. */
function parseSuffix(text: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) {
    throw new TypeError(`"${text}" is not a word of lower-case letters, digits and hyphens.`);
  }
  return text;
}

/** wsproxy's command and the ones beside it. */
export function wsproxyCommand(actions: WsproxyActions): Command {
  const command = withClientOptions(
    createCommand("wsproxy", "Connects stdin and stdout to a websocket."),
  )
    // Lets `wsproxy setup --ca-file F` differ from `wsproxy --ca-file F setup`.
    .enablePositionalOptions()
    .option("--known-hosts <file>", "with <host>: remove its other keys from this known_hosts file")
    .argument("<url>", URL_ARGUMENT, optionParser(websocketUrl))
    .argument("[host]", "ID.SUFFIX: connect to the job ID of the server at <url>")
    .action(actions.run);
  command.command("setup").description("Set up ssh ID.converge for the jobs of a server")
    .argument("[url]", SERVER_ARGUMENT, optionParser(websocketUrl))
    .option(
      "--suffix <word>",
      "set up ssh ID.<word> instead (default: converge)",
      optionParser(parseSuffix),
    )
    .option("--ca-file <file>", "trust the CA certificates in this PEM file too")
    .option("--undo", "remove what setup made; with --suffix, only for that server")
    .action(actions.setUp);
  command.command("update").description(
    "Replace this program with the server's version, if it differs",
  )
    .argument(
      "[url]",
      `${SERVER_ARGUMENT} (default: the one that was set up)`,
      optionParser(websocketUrl),
    )
    .option("--ca-file <file>", "trust the CA certificates in this PEM file too")
    .action(actions.update);
  return command;
}

/**
 * tunnel's command.
 *
 * @param run gets the port, the URL and the options of `tunnel [options] PORT URL`
 */
export function tunnelCommand(
  run: (port: number, url: URL, options: TunnelFlags) => Promise<void>,
): Command {
  return withClientOptions(
    createCommand("tunnel", "Listens on a TCP port and connects each connection to a websocket."),
  )
    .option("--listen <address>", "listen on this address", "127.0.0.1")
    .argument(
      "<port>",
      "the TCP port; 0 is any free port",
      optionParser(parseInteger(0, 65535)),
    )
    .argument("<url>", URL_ARGUMENT, optionParser(websocketUrl))
    .action(run);
}
