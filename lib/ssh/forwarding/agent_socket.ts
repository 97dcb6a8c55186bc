/**
 * Agent forwarding, `ssh -A`: a unix socket in `SSH_AUTH_SOCK` that leads to the client's
 * authentication agent (draft-ietf-sshm-ssh-agent, section 4; OpenSSH's names).
 *
 * @module
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPrivateDirectory } from "../../files/private_directory.ts";
import { errorMessage } from "../../text/error_message.ts";
import { Refused, type SessionContext, type SessionRequestHandler } from "../connection/handler.ts";
import { Listeners, listenUnix } from "./listeners.ts";

/** Sessions that have a socket, or are about to: each gets one. */
const served = new WeakSet<SessionContext>();

/**
 * Where the socket may be besides the directory for temporary files, which may be missing, or whose
 * path may be too long for a socket.
 */
const OTHER_DIRECTORIES = ["/tmp", "/var/tmp", "/dev/shm"];

/** How the directories of sockets are called, and the sockets in them. */
const PREFIX = "converge-agent-";
const SOCKET = "agent.sock";

/** Set once those of agents that were killed are being removed. */
let tidied: Promise<unknown> | undefined;

/** Serves `auth-agent-req@openssh.com`. The socket is removed with the session. */
export const forwardAgent: SessionRequestHandler = (session: SessionContext) => {
  const { connection, env, signal } = session;
  if (Deno.build.os === "windows") throw new Refused("Windows has no unix sockets");
  if (!connection.permissions.agentForwarding) {
    throw new Refused("the key does not allow agent forwarding");
  }
  if (served.has(session)) throw new Refused("the session already has an agent");
  served.add(session);
  tidied ??= Promise.all([tmpdir(), ...OTHER_DIRECTORIES].map(tidy));
  connection.track(tidied);
  const { directory, path, listener } = openSocket(session);
  const listeners = new Listeners(connection);
  listeners.add(path, [listener], () => ({
    type: "auth-agent@openssh.com",
    data: new Uint8Array(),
  }));
  const remove = () => {
    // The listeners end with the connection by themselves.
    if (!connection.signal.aborted) connection.track(listeners.remove(path));
    connection.track(Deno.remove(directory, { recursive: true }));
  };
  env.SSH_AUTH_SOCK = path;
  if (signal.aborted) remove();
  else signal.addEventListener("abort", remove, { once: true });
};

/**
 * Listens on a socket in a directory of its own.
 *
 * @throws {Refused} if there is no place for one, which the session is told
 */
function openSocket(session: SessionContext) {
  const reasons: string[] = [];
  for (const dir of [undefined, ...OTHER_DIRECTORIES]) {
    let directory: string | undefined;
    try {
      directory = Deno.makeTempDirSync({ dir, prefix: PREFIX });
      const path = join(directory, SOCKET);
      return { directory, path, listener: listenUnix(path) };
    } catch (error) {
      reasons.push(errorMessage(error));
      if (directory !== undefined) Deno.removeSync(directory, { recursive: true });
    }
  }
  // ssh asks for no reply.
  session.tell(`your authentication agent is not forwarded: ${reasons[0]}`);
  throw new Refused(reasons.join("; "));
}

/** Removes what agents of this user that were killed have left: nobody listens there any more. */
async function tidy(parent: string): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(parent)).catch(() => []);
  for (const { name } of entries) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(parent, name);
    try {
      await checkPrivateDirectory(directory);
      (await Deno.connect({ transport: "unix", path: join(directory, SOCKET) })).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) continue;
      await Deno.remove(directory, { recursive: true }).catch(() => {}); // Another agent was faster.
    }
  }
}
