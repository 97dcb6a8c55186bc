/** Everything that a client can have forwarded, as entries for the SSH server's maps. */
import type {
  ChannelHandler,
  GlobalRequestHandler,
  SessionRequestHandler,
} from "../connection/handler.ts";
import { forwardAgent } from "./agent_socket.ts";
import { type InboundOptions, remoteForwarding } from "./inbound.ts";
import { directStreamlocal, directTcpip } from "./outbound.ts";

export interface Forwarding {
  channels: Record<string, ChannelHandler>;
  globalRequests: Record<string, GlobalRequestHandler>;
  sessionRequests: Record<string, SessionRequestHandler>;
}

/** X11 is left out on purpose: its request is refused, and ssh says so. */
export function forwarding(options: InboundOptions = {}): Forwarding {
  return {
    channels: {
      "direct-tcpip": directTcpip,
      "direct-streamlocal@openssh.com": directStreamlocal,
    },
    globalRequests: remoteForwarding(options),
    sessionRequests: { "auth-agent-req@openssh.com": forwardAgent },
  };
}
