/** The public URL that a request came to, behind reverse proxies too. */
import { isPrefix } from "../../protocol/base_path.ts";
import { parseAddress } from "../../text/ip_address.ts";
import type { ServerOptions } from "../../cli/server_options.ts";
import { VERSION } from "../../dist/version.ts";
import type { Site } from "../../../templates/site.ts";

/** What is the same for all requests. */
export interface SiteConfig {
  /** `host:port` for requests without a host. */
  defaultHost: string;
  /** Whether it speaks TLS itself. */
  tls: boolean;
  /** Empty or `/prefix`. */
  basePath: string;
  /** Whether to believe the headers of a reverse proxy. */
  trustProxy: boolean;
  username: string;
  password: boolean;
  agentToken: boolean;
  githubAction?: string;
}

/** The site of a server with these options that listens on `port`. */
export function siteConfig(options: ServerOptions, port: number): SiteConfig {
  const { basePath, trustProxy, username, tls, password, agentToken, githubAction } = options;
  const host = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[options.host] ??
    (options.host.includes(":") ? `[${options.host}]` : options.host);
  return {
    ...{ basePath, trustProxy, username, githubAction },
    defaultHost: `${host}:${port}`,
    tls: tls !== undefined,
    password: password !== undefined,
    agentToken: agentToken !== undefined,
  };
}

/** A name or an address, with a port if any (RFC 3986, section 3.2). */
const HOST = /^([A-Za-z0-9_]([A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/;

/**
 * Whether a header names a host: of `999.1.1.1` and port 99999 only URL knows that they are none.
 */
function isHost(text: string | null | undefined): text is string {
  return !!text && HOST.test(text) && URL.canParse(`http://${text}`);
}

/**
 * The site of a request. Of each forwarded header the value nearest to the visitor counts; invalid
 * ones are ignored.
 */
export function siteOf(headers: Headers, config: SiteConfig): Site {
  const forwarded = config.trustProxy ? forwardedSite(headers) : {};
  const host = [forwarded.host, headers.get("host")].find(isHost) ??
    config.defaultHost;
  const secure = forwarded.secure ?? config.tls;
  const base = (forwarded.prefix ?? "") + config.basePath;
  const { username, password, agentToken, githubAction } = config;
  return {
    http: `${secure ? "https" : "http"}://${host}${base}`,
    ws: `${secure ? "wss" : "ws"}://${host}${base}`,
    base,
    ...{ username, password, agentToken, githubAction, version: VERSION },
  };
}

/**
 * The address that a request comes from. Of forwarded addresses the last counts, which our own
 * proxy wrote: a visitor can forge all others.
 */
export function clientAddress(remote: string, headers: Headers, trustProxy: boolean): string {
  const direct = parseAddress(remote)?.toString() ?? remote;
  if (!trustProxy) return direct;
  const forwarded = parseForwarded(headers.get("forwarded")).at(-1)?.for ??
    headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  return plainAddress(forwarded ?? "") ?? direct;
}

function forwardedSite(headers: Headers): { host?: string; secure?: boolean; prefix?: string } {
  const first = (name: string) => headers.get(name)?.split(",")[0]?.trim();
  const [standard = {}] = parseForwarded(headers.get("forwarded"));
  const proto = standard.proto ?? first("x-forwarded-proto");
  const prefix = first("x-forwarded-prefix")?.replace(/\/$/, "");
  return {
    host: [standard.host, first("x-forwarded-host")].find(isHost),
    secure: /^https?$/i.test(proto ?? "") ? proto!.toLowerCase() === "https" : undefined,
    prefix: prefix && isPrefix(prefix) ? prefix : undefined,
  };
}

/** Parses `Forwarded` (RFC 7239): one record of lower-case parameters for each proxy. */
function parseForwarded(header: string | null): Partial<Record<string, string>>[] {
  if (header === null || header.length > 2_048) return [];
  // Commas split elements, semicolons split parameters, unless they are within quotes.
  const split = (text: string, at: string) =>
    text.match(new RegExp(`(?:"(?:\\\\.|[^"\\\\])*"|[^${at}"])+`, "g")) ?? [];
  return split(header, ",").map((element) =>
    Object.fromEntries(
      split(element, ";").map((parameter) => {
        const [, name = "", value = ""] = /^\s*([\w-]+)=(.*?)\s*$/.exec(parameter) ?? [];
        const quoted = /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, "$1");
        return [name.toLowerCase(), quoted ?? value];
      }),
    )
  );
}

/** An address without its port and brackets, if it is one. */
function plainAddress(text: string): string | undefined {
  const [, inBrackets, v4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? [];
  return parseAddress(inBrackets ?? v4 ?? text)?.toString();
}
