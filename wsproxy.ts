import { wsproxyCommand } from "./lib/cli/client_options.ts";
import { parseCommand } from "./lib/cli/command.ts";
import { runProgram } from "./lib/program/program.ts";
import { relay } from "./lib/client/relay.ts";
import { INSECURE_WARNING, websocketOptions } from "./lib/client/websocket_options.ts";
import { stdioStream } from "./lib/wire/stdio_stream.ts";

await runProgram("wsproxy", async (args, signal) => {
  const command = wsproxyCommand(async (url, options) => {
    if (options.insecure) console.error(`wsproxy: ${INSECURE_WARNING}`);
    await relay(stdioStream(), url, { ...await websocketOptions(options), signal });
  });
  await parseCommand(command, args);
});
