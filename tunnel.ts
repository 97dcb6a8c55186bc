import { tunnelCommand } from "./lib/cli/client_options.ts";
import { parseCommand } from "./lib/cli/command.ts";
import { createLog } from "./lib/log/log.ts";
import { runProgram, writeStderr, writeStdout } from "./lib/program/program.ts";
import { formatAddress, runTunnel } from "./lib/client/tunnel.ts";
import { INSECURE_WARNING, websocketOptions } from "./lib/client/websocket_options.ts";

await runProgram("tunnel", async (args, signal) => {
  const command = tunnelCommand(async (port, url, { listen, ...options }) => {
    if (options.insecure) writeStderr(`tunnel: ${INSECURE_WARNING}`);
    await runTunnel(url, {
      ...await websocketOptions(options),
      hostname: listen,
      port,
      log: createLog(),
      signal,
      onListen(port) {
        const local = ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::"].includes(listen);
        writeStdout(`listening on ${formatAddress(listen, port)}\n`);
        // Behind one port there are many jobs, each with a key of its own.
        const nowhere = Deno.build.os === "windows" ? "NUL" : "/dev/null";
        const options = `-oServerAliveInterval=120 -oUserKnownHostsFile=${nowhere} -p ${port}`;
        writeStdout(`ssh ${options} USER@${local ? "localhost" : listen}\n`);
      },
    });
  });
  await parseCommand(command, args);
});
