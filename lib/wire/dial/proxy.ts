/** Which proxy leads to a server, as curl and most programs read it from the environment. */
import { isInRange, parseAddress, parseIpRange } from "../../text/ip_address.ts";
import { basicLogin } from "./basic_login.ts";

/** Reads an environment variable. */
export type Environment = (name: string) => string | undefined;

/** An HTTP proxy. */
export interface Proxy {
  hostname: string;
  port: number;
  /** The value of a Proxy-Authorization header. */
  authorization?: string;
}

/** Whether `hostname` is an address in a range such as `10.0.0.0/8`. */
function isInNetwork(hostname: string, network: string): boolean {
  const [address, range] = [parseAddress(hostname), parseIpRange(network)];
  return address !== undefined && range !== undefined && isInRange(address, range);
}

/**
 * Whether `NO_PROXY` names the host: `*`, a name with all below it, an address, a range of them;
 * with a port or without.
 */
function isExcluded(hostname: string, port: string, noProxy: string): boolean {
  return noProxy.toLowerCase().split(/[,\s]+/).filter((entry) => entry !== "").some((entry) => {
    if (entry === "*") return true;
    const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
    if (match !== null && match[2] !== port) return false;
    const name = (match?.[1] ?? entry).replace(/^\[(.*)\]$/, "$1").replace(/^\*?\./, "");
    return hostname === name || hostname.endsWith(`.${name}`) || isInNetwork(hostname, name);
  });
}

/**
 * The proxy for a websocket: `HTTPS_PROXY` for wss, `HTTP_PROXY` for ws, else `ALL_PROXY`, unless
 * `NO_PROXY` names the host. Lower-case names count first.
 *
 * @returns undefined if it is to be reached directly
 * @throws {Error} if the variable names no proxy that we can use; without its password
 */
export function proxyFor(url: URL, env: Environment = Deno.env.get): Proxy | undefined {
  const read = (name: string) => {
    for (const spelling of [name.toLowerCase(), name]) {
      const value = env(spelling)?.trim();
      if (value) return { name: spelling, value };
    }
  };
  const secure = url.protocol === "wss:";
  const found = read(secure ? "HTTPS_PROXY" : "HTTP_PROXY") ?? read("ALL_PROXY");
  if (found === undefined) return undefined;
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  const port = url.port || (secure ? "443" : "80");
  if (isExcluded(hostname, port, read("NO_PROXY")?.value ?? "")) return undefined;

  const text = found.value.includes("://") ? found.value : `http://${found.value}`;
  const proxy = URL.parse(text);
  if (proxy?.protocol !== "http:" || proxy.hostname === "") {
    throw new Error(`cannot use the proxy in ${found.name}: it must look like http://host:port`);
  }
  return {
    hostname: proxy.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(proxy.port || 80),
    authorization: basicLogin(proxy),
  };
}
