/** The agent: runs in a CI job and gives people a shell in it. */
import { runAgent } from "./lib/agent/agent.ts";
import { agentCommand } from "./lib/cli/agent_options.ts";
import { parseCommand } from "./lib/cli/command.ts";
import { runProgram } from "./lib/cli/program.ts";

await runProgram("agent", async (args, signal) => {
  let status = 0;
  const command = agentCommand(async (server, options) => {
    status = await runAgent(server, options, signal);
  });
  await parseCommand(command, args.length > 0 ? args : ["--help"]);
  return status;
});
