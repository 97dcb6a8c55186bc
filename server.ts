/** The rendez-vous server: `deno task serve`, or `server --help` for its options. */
import { parseCommand } from "./lib/cli/command.ts";
import { createLog } from "./lib/cli/log.ts";
import { runProgram } from "./lib/cli/program.ts";
import { serverCommand } from "./lib/cli/server_options.ts";
import { AdminLock } from "./lib/server/admin_lock.ts";
import { ASSETS_DIR, createPages } from "./lib/server/pages.ts";
import { startServer } from "./lib/server/server.ts";
import { SessionsFeed } from "./lib/server/sessions_feed.ts";
import { serveStatic } from "./lib/server/static_files.ts";

if (import.meta.main) {
  await runProgram("server", async (args, signal) => {
    const command = serverCommand(async (options) => {
      const log = createLog({ format: options.logFormat, level: options.logLevel });
      const lock = new AdminLock(options.adminPassword);
      using sessions = new SessionsFeed({ snapshot: () => server.snapshot(), open: lock.open });
      const server = await startServer(options, {
        log,
        signal,
        pages: createPages({ staticDir: options.staticDir, sessions, lock }),
        staticFiles: (request, name) =>
          serveStatic(request, name, { dirs: [options.staticDir, ASSETS_DIR] }),
      });
      await server.closed;
    }, Deno.env.toObject());
    await parseCommand(command, args);
  });
}
