/**
 * Agent forwarding, `ssh -A`: a unix socket in `SSH_AUTH_SOCK` that leads to the client's
 * authentication agent (draft-ietf-sshm-ssh-agent, section 4; OpenSSH's names).
 *
 * @module
 */
import { join } from "node:path";
import { Refused, type SessionContext, type SessionRequestHandler } from "../connection/handler.ts";
import { Listeners, listenUnix } from "./listeners.ts";

/** Sessions that have a socket, or are about to: one is enough. */
const served = new WeakSet<SessionContext>();

/** Serves `auth-agent-req@openssh.com`. The socket goes with the session. */
export const forwardAgent: SessionRequestHandler = async (session: SessionContext) => {
  const { connection, env, signal } = session;
  if (Deno.build.os === "windows") throw new Refused("no unix sockets on Windows");
  if (!connection.permissions.agentForwarding) {
    throw new Refused("this key does not allow agent forwarding");
  }
  if (served.has(session)) throw new Refused("the session has an agent already");
  served.add(session);
  const directory = await Deno.makeTempDir({ prefix: "converge-agent-" });
  const path = join(directory, "agent.sock");
  const listeners = new Listeners(connection);
  const remove = () => {
    // With the connection the listeners have gone by themselves.
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
