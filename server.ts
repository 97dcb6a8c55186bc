/** The rendez-vous server: `deno task serve`, or `server --help` for its options. */
import { resolve } from "node:path";
import { startBuild } from "./lib/build/background.ts";
import { parseCommand } from "./lib/cli/command.ts";
import { createLog, type Log } from "./lib/log/log.ts";
import { readOptionFile, readSecretFile } from "./lib/files/option_file.ts";
import { giveFreeMemoryBack } from "./lib/program/free_memory.ts";
import { errorMessage } from "./lib/text/error_message.ts";
import { runProgram } from "./lib/program/program.ts";
import { serverCommand, type ServerOptions } from "./lib/cli/server_options.ts";
import { AdminLock } from "./lib/server/http/admin_lock.ts";
import { WrongSecrets } from "./lib/server/limits/wrong_secrets.ts";
import { Metrics } from "./lib/server/telemetry/metrics.ts";
import { ASSETS_DIR } from "./lib/server/pages/assets_dir.ts";
import { createPages } from "./lib/server/pages/pages.ts";
import { type RunningServer, startServer } from "./lib/server/server.ts";
import { SessionsFeed } from "./lib/server/pages/sessions_feed.ts";
import { serveStatic } from "./lib/server/http/static_files.ts";

/** A jump host, and what pages say of it. */
interface RunningJumpHost extends AsyncDisposable {
  readonly port: number;
  readonly hostKey: string;
  readonly fingerprint: string;
  leavePort(): void;
}

/** The code for SSH is loaded only if it is wanted. */
async function startJumpHost(
  { host, sshPort: port, sshHostKey: file, stateDir, exempt }: ServerOptions,
  log: Log,
  server: RunningServer,
): Promise<RunningJumpHost | undefined> {
  if (port === undefined) return undefined;
  const { JumpHost } = await import("./lib/jump/jump_host.ts");
  const { jumpHostKey } = await import("./lib/jump/jump_host_key.ts");
  const hostKey = await jumpHostKey({ file, stateDir, log });
  return new JumpHost({ host, port, hostKey, exempt }, {
    log,
    admitAddress: (address) => server.admitAddress(address),
    openClient: (request, open) => server.openClient(request, open),
  });
}

/** Takes the certificate that a renewal has written; with a bad one the former stays. */
async function reloadTls(
  read: NonNullable<ServerOptions["readTls"]>,
  server: RunningServer,
  log: Log,
): Promise<void> {
  try {
    server.useTls(await read());
    log.info("certificate reloaded");
  } catch (error) {
    log.error("certificate not reloaded", { reason: errorMessage(error) });
  }
}

if (import.meta.main) {
  await runProgram("server", async (args, signal, hurry, onHangup) => {
    const command = serverCommand(
      async (options) => {
        using _memory = giveFreeMemoryBack();
        const log = createLog({ format: options.logFormat, level: options.logLevel });
        const lock = new AdminLock(options.adminPassword, new WrongSecrets(options));
        using sessions = new SessionsFeed({
          snapshot: () => server.snapshot(),
          refresh: () => server.refresh(),
          silentServers: () => server.load().cluster?.silent ?? 0,
          open: lock.open,
        });
        const metrics = new Metrics({
          load: () => server.load(),
          cluster: options.cluster !== undefined,
        });
        const { staticDir } = options;
        // A server that cannot start leaves no build behind.
        const ended = new AbortController();
        using stack = new DisposableStack();
        stack.defer(() => ended.abort());
        const build = options.build
          ? startBuild({
            dir: resolve(staticDir),
            log,
            signal: AbortSignal.any([signal, ended.signal]),
          })
          : undefined;
        let jump: RunningJumpHost | undefined = undefined;
        const server = await startServer(options, {
          log,
          signal,
          hurry,
          pages: createPages({
            ...{ staticDir, build, sessions, lock },
            metrics: () => metrics.answer(),
            jump: () => jump,
          }),
          staticFiles: (request, name) =>
            serveStatic(request, name, { dirs: [staticDir, ASSETS_DIR], state: build }),
          observe: (event) => metrics.observe(event),
        });
        const { readTls } = options;
        if (readTls) onHangup(() => void reloadTls(readTls, server, log));
        await using started = await startJumpHost(options, log, server);
        jump = started;
        signal.addEventListener("abort", () => started?.leavePort());
        await server.closed;
      },
      Deno.env.toObject(),
      { readOptionFile, readSecretFile },
    );
    await parseCommand(command, args);
    // A server ends within --drain, or at once at another signal.
  }, Infinity);
}
