/**
 * A node of a cluster as `server.ts` starts it, but with the times that CLUSTER_TIMING holds in
 * JSON, so that a test need not wait as long as people do.
 */
import { createLog } from "../../lib/log/log.ts";
import { parseCommand } from "../../lib/cli/command.ts";
import { serverCommand } from "../../lib/cli/server_options.ts";
import { readOptionFile, readSecretFile } from "../../lib/files/option_file.ts";
import { runProgram } from "../../lib/program/program.ts";
import { AdminLock } from "../../lib/server/http/admin_lock.ts";
import { createPages } from "../../lib/server/pages/pages.ts";
import { SessionsFeed } from "../../lib/server/pages/sessions_feed.ts";
import { startServer } from "../../lib/server/server.ts";
import { Metrics } from "../../lib/server/telemetry/metrics.ts";

await runProgram("server", async (args, signal, hurry) => {
  const command = serverCommand(
    async (options) => {
      const log = createLog({ format: options.logFormat, level: options.logLevel });
      const lock = new AdminLock(options.adminPassword);
      using sessions = new SessionsFeed({
        snapshot: () => server.snapshot(),
        refresh: () => server.refresh(),
        silentServers: () => server.load().cluster?.silent ?? 0,
        open: lock.open,
      });
      const metrics = new Metrics({ load: () => server.load(), cluster: true });
      const { staticDir } = options;
      const server = await startServer(options, {
        ...{ log, signal, hurry },
        pages: createPages({ staticDir, sessions, lock, metrics: () => metrics.answer() }),
        observe: (event) => metrics.observe(event),
        clusterTiming: JSON.parse(Deno.env.get("CLUSTER_TIMING") ?? "{}"),
      });
      await server.closed;
    },
    Deno.env.toObject(),
    { readOptionFile, readSecretFile },
  );
  await parseCommand(command, args);
}, Infinity);
