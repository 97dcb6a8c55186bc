/** All forwarding, as entries for the SSH server's maps of handlers. */
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

/** X11 is left out on purpose: its request is refused. */
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
