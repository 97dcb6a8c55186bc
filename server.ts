/** The rendez-vous server: `deno task serve`, or `server --help` for its options. */
import { parseCommand } from "./lib/cli/command.ts";
import { createLog } from "./lib/cli/log.ts";
import { runProgram } from "./lib/cli/program.ts";
import { serverCommand } from "./lib/cli/server_options.ts";
import { startServer } from "./lib/server/server.ts";

if (import.meta.main) {
  await runProgram("server", async (args, signal) => {
    const command = serverCommand(async (options) => {
      const log = createLog({ format: options.logFormat, level: options.logLevel });
      const server = await startServer(options, { log, signal });
      await server.closed;
    }, Deno.env.toObject());
    await parseCommand(command, args);
  });
}
