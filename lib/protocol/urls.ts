/** The path of an agent's connections below the base path. */
export function agentPath(id: string): string {
  return `agent/${id}`;
}

/** The path of a client's connections below the base path. */
export function clientPath(id: string): string {
  return `client/${id}`;
}

/** Addresses without a scheme that are this machine, where servers rarely speak TLS. */
const LOCAL_HOST = /^(localhost|127(\.\d+){3}|\[::1\])([:/?]|$)/i;

/** What can be an address without a scheme: a name with a dot, or a host with a port. */
const BARE_HOST =
  /^(localhost|[\w-]+(\.[\w-]+)+|\[[\da-f:.]+\])(:\d+)?([/?]|$)|^[\w-]+:\d+([/?]|$)/i;

/** What may be shown of a URL, valid or not: a login and a query may be secret. */
function withoutSecrets(text: string): string {
  return text.replace(/^([\w+.-]*:\/\/)?.*@/s, "$1").replace(/[?#].*$/s, "");
}

/** A URL from what a person typed: `localhost:8000` is `ws://localhost:8000`, others are `wss:`. */
function typedUrl(text: string): URL {
  const scheme = LOCAL_HOST.test(text) ? "ws" : "wss";
  const url = URL.parse(BARE_HOST.test(text) ? `${scheme}://${text}` : text);
  if (url === null) throw new TypeError(`"${withoutSecrets(text)}" is not a URL`);
  return url;
}

/**
 * The websocket URL of `path` on the server that `base` names; a path replaces query and fragment.
 *
 * @param base `ws:`, `wss:`, `http:` or `https:`, with the server's base path if any; in a text the
 * scheme may be missing: then `ws:` for this machine, else `wss:`
 * @throws {TypeError} if `base` is not such a URL
 */
export function websocketUrl(base: string | URL, path = ""): URL {
  const url = typeof base === "string" ? typedUrl(base) : new URL(base);
  const protocols: Record<string, string> = { "http:": "ws:", "https:": "wss:" };
  url.protocol = protocols[url.protocol] ?? url.protocol;
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    const shown = withoutSecrets(String(base));
    throw new TypeError(`"${shown}" is not a ws, wss, http or https URL`);
  }
  if (path === "") return url;
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  url.search = url.hash = "";
  return url;
}
