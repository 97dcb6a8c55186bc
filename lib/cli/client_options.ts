/** The command lines of wsproxy and tunnel. */
import { websocketUrl } from "../protocol/messages.ts";
import {
  type Command,
  createCommand,
  optionParser,
  parseInteger,
  withLicenses,
  withReference,
} from "./command.ts";
import { UsageError } from "./usage_error.ts";

/** The options of both programs. */
export interface ClientOptions {
  insecure?: boolean;
  caFile?: string;
  /** Name and value of each header. */
  header?: [string, string][];
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
    .option("--header <header>", 'send this header with the request: "Name: value"', addHeader);
}

const URL_ARGUMENT = "the URL of the websocket: ws, wss, http or https";

/**
 * wsproxy's command.
 *
 * @param run gets the URL and the options of `wsproxy [options] URL`
 */
export function wsproxyCommand(
  run: (url: URL, options: ClientOptions) => Promise<void>,
): Command {
  return withClientOptions(
    createCommand("wsproxy", "Connects stdin and stdout to a websocket."),
  )
    .argument("<url>", URL_ARGUMENT, optionParser(websocketUrl))
    .action(run);
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
