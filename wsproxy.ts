import { wsproxyCommand } from "./lib/cli/client_options.ts";
import { parseCommand } from "./lib/cli/command.ts";
import { interruptStderr, runProgram, writeStderr, writeStdout } from "./lib/program/program.ts";
import { connect } from "./lib/client/connect.ts";
import { setupCommand, updateCommand } from "./lib/client/setup/commands.ts";
import { ownProgram, thisComputer } from "./lib/client/setup/own_program.ts";
import { INSECURE_WARNING } from "./lib/client/websocket_options.ts";
import { stdioStream } from "./lib/wire/stdio_stream.ts";

await runProgram("wsproxy", async (args, signal) => {
  const say = (line: string) => writeStderr(`wsproxy: ${line}`);
  const interrupt = (line: string) => interruptStderr(`wsproxy: ${line}`);
  const context = () => ({
    computer: thisComputer(),
    program: ownProgram(),
    print: (line: string) => writeStdout(`${line}\n`),
    signal,
  });
  const command = wsproxyCommand({
    async run(url, host, options) {
      if (options.insecure) say(INSECURE_WARNING);
      await connect(stdioStream(), { url, host }, options, { say, interrupt, signal });
    },
    setUp: (server, options) => setupCommand(server, options, context()),
    update: (server, options) => updateCommand(server, options, context()),
  });
  await parseCommand(command, args);
});
