/**
 * Agent forwarding, `ssh -A`: a unix socket in `SSH_AUTH_SOCK` that leads to the client's
 * authentication agent (draft-ietf-sshm-ssh-agent, section 4; OpenSSH's names).
 *
 * @module
 */
import { join } from "node:path";
import { Refused, type SessionContext, type SessionRequestHandler } from "../connection/handler.ts";
import { Listeners, listenUnix } from "./listeners.ts";

/** Sessions that have a socket, or are about to: each gets one. */
const served = new WeakSet<SessionContext>();

/** Serves `auth-agent-req@openssh.com`. The socket is removed with the session. */
export const forwardAgent: SessionRequestHandler = async (session: SessionContext) => {
  const { connection, env, signal } = session;
  if (Deno.build.os === "windows") throw new Refused("Windows has no unix sockets");
  if (!connection.permissions.agentForwarding) {
    throw new Refused("the key does not allow agent forwarding");
  }
  if (served.has(session)) throw new Refused("the session already has an agent");
  served.add(session);
  const directory = await Deno.makeTempDir({ prefix: "converge-agent-" });
  const path = join(directory, "agent.sock");
  const listeners = new Listeners(connection);
  const remove = () => {
    // The listeners end with the connection by themselves.
    if (!connection.signal.aborted) connection.track(listeners.remove(path));
    connection.track(Deno.remove(directory, { recursive: true }));
  };
  try {
    listeners.add(path, [listenUnix(path)], () => ({
      type: "auth-agent@openssh.com",
      data: new Uint8Array(),
    }));
  } catch (error) {
    await Deno.remove(directory, { recursive: true });
    throw error;
  }
  env.SSH_AUTH_SOCK = path;
  if (signal.aborted) remove();
  else signal.addEventListener("abort", remove, { once: true });
};
