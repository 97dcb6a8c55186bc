/**
 * Listeners that a client asks for on the agent's machine: `ssh -R` (RFC 4254, section 7.1;
 * OpenSSH's PROTOCOL, section 2.4, for unix sockets).
 *
 * @module
 */
import { errorMessage } from "../../text/error_message.ts";
import {
  type GlobalRequest,
  type GlobalRequestHandler,
  Refused,
  type SshConnection,
} from "../connection/handler.ts";
import { Reader, Writer } from "../protocol/wire_format.ts";
import { type Accepted, Listeners, listenUnix } from "./listeners.ts";

export interface InboundOptions {
  /**
   * Whether clients may listen on other addresses than loopback, as with sshd's
   * `GatewayPorts clientspecified`.
   *
   * @default false
   */
  allowRemoteBind?: boolean;
}

/** The global requests of remote forwarding, for one SSH server. */
export function remoteForwarding(
  options: InboundOptions = {},
): Record<string, GlobalRequestHandler> {
  const byConnection = new WeakMap<SshConnection, Listeners>();
  const listenersOf = (connection: SshConnection) => {
    let listeners = byConnection.get(connection);
    if (!listeners) byConnection.set(connection, listeners = new Listeners(connection));
    return listeners;
  };

  return {
    "tcpip-forward": (request) => {
      const { address, port } = tcpFields(request);
      const hostnames = bindAddresses(address, options.allowRemoteBind ?? false);
      const sockets = listenTcp(hostnames, port);
      const bound = (sockets[0]!.addr as Deno.NetAddr).port;
      listenersOf(request.connection).add(`${address}:${bound}`, sockets, (accepted) => ({
        type: "forwarded-tcpip",
        data: new Writer().string(address).uint32(bound).string(originator(accepted).hostname)
          .uint32(originator(accepted).port).bytes(),
      }));
      request.connection.log.info("listening for the client", {
        address: hostnames[0],
        port: bound,
      });
      return Promise.resolve(port === 0 ? new Writer().uint32(bound).bytes() : undefined);
    },

    "cancel-tcpip-forward": (request) => {
      const { address, port } = tcpFields(request);
      return listenersOf(request.connection).remove(`${address}:${port}`);
    },

    "streamlocal-forward@openssh.com": (request) => {
      const path = pathField(request);
      listenersOf(request.connection).add(path, [listenUnix(path)], () => ({
        type: "forwarded-streamlocal@openssh.com",
        data: new Writer().string(path).string("").bytes(),
      }));
      request.connection.log.info("listening for the client", { path });
      return Promise.resolve();
    },

    "cancel-streamlocal-forward@openssh.com": (request) => {
      return listenersOf(request.connection).remove(pathField(request));
    },
  };
}

function requirePermission(connection: SshConnection): void {
  if (!connection.permissions.portForwarding) {
    throw new Refused("the key does not allow forwarding");
  }
}

function tcpFields(request: GlobalRequest): { address: string; port: number } {
  requirePermission(request.connection);
  const fields = new Reader(request.data);
  return { address: fields.text(), port: fields.uint32() };
}

function pathField(request: GlobalRequest): string {
  requirePermission(request.connection);
  if (Deno.build.os === "windows") throw new Refused("Windows has no unix sockets");
  return new Reader(request.data).text();
}

/**
 * Where to listen for the address that a client names: as in sshd on loopback, whatever it names,
 * unless it may bind elsewhere.
 */
function bindAddresses(address: string, allowRemoteBind: boolean): string[] {
  if (!allowRemoteBind || address === "localhost") return ["127.0.0.1", "::1"];
  return address === "" || address === "*" ? ["0.0.0.0", "::"] : [address];
}

/** Listens on the first address, and on the same port of the others if possible. */
function listenTcp(hostnames: string[], port: number): Deno.Listener[] {
  const [first, ...others] = hostnames;
  let listener: Deno.Listener;
  try {
    listener = Deno.listen({ hostname: first, port });
  } catch (error) {
    throw new Refused(`cannot listen on "${first}:${port}": ${errorMessage(error)}`);
  }
  const bound = (listener.addr as Deno.NetAddr).port;
  const rest = others.flatMap((hostname) => {
    try {
      return [Deno.listen({ hostname, port: bound })];
    } catch {
      // A machine without IPv6.
      return [];
    }
  });
  return [listener, ...rest];
}

function originator(accepted: Accepted): { hostname: string; port: number } {
  const { hostname, port } = accepted.remoteAddr as Deno.NetAddr;
  return { hostname, port };
}
