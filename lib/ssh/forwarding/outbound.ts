/**
 * Connections that a client opens from the agent's machine: `ssh -L`, `-D` and `-W` (RFC 4254,
 * section 7.2; OpenSSH's PROTOCOL, section 2.4, for unix sockets).
 *
 * @module
 */
import { errorMessage } from "../../text/error_message.ts";
import { dialTcp } from "../../wire/dial/dial_tcp.ts";
import { pipe } from "../../wire/pipe.ts";
import { tcpStream } from "../../wire/tcp_stream.ts";
import { type ChannelHandler, type ChannelRequest, Refused } from "../connection/handler.ts";
import { OpenFailure } from "../protocol/numbers.ts";
import { Reader } from "../protocol/wire_format.ts";
import { checkSocketPath } from "./socket_path.ts";

/** How long a connection may take to open, in milliseconds. */
const CONNECT_TIMEOUT_MS = 30_000;

/** Serves `direct-tcpip`: a TCP connection to a host and port that the client names. */
export const directTcpip: ChannelHandler = async (request) => {
  const fields = new Reader(request.data);
  const [hostname, port] = [fields.text(), fields.uint32()];
  await forward(
    request,
    `${hostname}:${port}`,
    (signal) => dialTcp(hostname, port, { signal }),
  );
};

/** Serves `direct-streamlocal@openssh.com`: the same to a unix socket. */
export const directStreamlocal: ChannelHandler = async (request) => {
  if (Deno.build.os === "windows") {
    throw new Refused("Windows has no unix sockets", OpenFailure.unknownChannelType);
  }
  const path = new Reader(request.data).text();
  await forward(request, path, async () => {
    checkSocketPath(path);
    return await Deno.connect({ transport: "unix", path });
  });
};

async function forward(
  request: ChannelRequest,
  target: string,
  connect: (signal: AbortSignal) => Promise<Deno.Conn>,
): Promise<void> {
  const { connection } = request;
  if (!connection.permissions.portForwarding) {
    throw new Refused(
      "the key does not allow forwarding",
      OpenFailure.administrativelyProhibited,
    );
  }
  const signal = AbortSignal.any([connection.signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  let outside: Deno.Conn;
  try {
    outside = await connect(signal);
  } catch (error) {
    throw new Refused(
      `cannot connect to "${target}": ${errorMessage(error)}`,
      OpenFailure.connectFailed,
    );
  }
  const stream = tcpStream(outside);
  try {
    connection.log.debug("forwarding", { target });
    await pipe(request.accept(), stream);
  } catch (error) {
    connection.log.debug("forwarded connection failed", { target, reason: errorMessage(error) });
  } finally {
    stream.close();
  }
}
