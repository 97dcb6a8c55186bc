/** The options of a server that works together with others; what they mean is in docs/operate. */
import { type Option, option } from "./command.ts";
import { UsageError } from "./usage_error.ts";

/** How the server works together with others under one name. */
export interface ClusterSettings {
  /** Of Redis, `redis:` or `rediss:`. */
  url: URL;
  password?: string;
  /** How the others reach this one, without a slash at its end. */
  nodeUrl: string;
  peerKey: string;
}

/** The arguments as commander parses them. */
export interface ClusterFlags {
  clusterUrl?: URL;
  clusterPasswordFile?: string;
  nodeUrl?: string;
  peerKeyFile?: string;
}

/** The fewest characters of the key that nodes share. */
const MIN_PEER_KEY = 32;

function parseClusterUrl(text: string): URL {
  const url = URL.parse(text);
  // The text is not repeated: there may be a password in it.
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === "") {
    throw new TypeError("it must look like redis://host:6379 or rediss://host:6379.");
  }
  return url;
}

function parseNodeUrl(text: string): string {
  const url = URL.parse(text);
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.search &&
    !url.hash;
  if (isPlain) return url.href.replace(/\/$/, "");
  throw new TypeError(`"${text}" must look like http://10.0.0.1:8000, with the base path if any.`);
}

export function clusterOptions(): Option[] {
  return [
    option(
      "--cluster-url <url>",
      "share agents with other servers through this Redis or Valkey (default: none)",
      parseClusterUrl,
    ),
    option(
      "--cluster-password-file <file>",
      "log in to it with the password in this file (default: none)",
    ),
    option("--node-url <url>", "the address of this server for the others", parseNodeUrl),
    option(
      "--peer-key-file <file>",
      "the key that all of these servers share, in a file; 32 characters or more",
    ),
  ];
}

/** @throws {UsageError} if the URL of an argument has a password in it */
export function refuseShownPassword(flags: ClusterFlags, source: string | undefined): void {
  if (!flags.clusterUrl?.password || source !== "cli") return;
  throw new UsageError(
    "--cluster-url must not have a password, which anyone on this machine could see; " +
      "use --cluster-password-file, or CONVERGE_CLUSTER_URL for all of it",
  );
}

/**
 * @returns undefined if it is not wanted
 * @throws {UsageError} if something is missing
 */
export function clusterSettings(given: Partial<ClusterSettings>): ClusterSettings | undefined {
  const { url, nodeUrl, peerKey } = given;
  if (url === undefined && nodeUrl === undefined) return undefined;
  if (url === undefined || nodeUrl === undefined || peerKey === undefined) {
    throw new UsageError("--cluster-url, --node-url and --peer-key-file go together; give all");
  }
  if (peerKey.length < MIN_PEER_KEY) {
    throw new UsageError(
      `the peer key must have ${MIN_PEER_KEY} characters or more; ` +
        "make one with: openssl rand -base64 32",
    );
  }
  return { ...given, url, nodeUrl, peerKey };
}
