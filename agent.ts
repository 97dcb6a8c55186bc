/** The agent: runs in a CI job and gives people access to it. */
import { runAgent } from "./lib/agent/agent.ts";
import { agentStatus, endAgent, waitForAgent } from "./lib/agent/control/commands.ts";
import { detach, isDetached } from "./lib/agent/control/detach.ts";
import { keygen } from "./lib/agent/keygen.ts";
import { agentCommand } from "./lib/cli/agent_options.ts";
import { parseCommand } from "./lib/cli/command.ts";
import { openPath, ownDirectory, ownEnvironment } from "./lib/process/self.ts";
import { runProgram, writeStderr, writeStdout } from "./lib/program/program.ts";

await runProgram("agent", async (args, signal) => {
  let status = 0;
  // CI systems set the variable of an input that was left out to nothing.
  for (const name of ["CONVERGE_ID", "CONVERGE_NOTIFY_URL"]) {
    if (Deno.env.get(name) === "") Deno.env.delete(name);
  }
  const env = ownEnvironment();
  const control = {
    dir: openPath(env.CONVERGE_DIR ?? ownDirectory()),
    preferredId: env.CONVERGE_ID,
    connection: env.SSH_CONNECTION,
    print: writeStdout,
    signal,
  };
  const command = agentCommand({
    run: async (server, options) => {
      const start = options.detach && !isDetached();
      status = start ? await detach(args, signal) : await runAgent(server, options, signal);
    },
    wait: async (options) => void (status = await waitForAgent(options, control)),
    stop: (options) => endAgent(options, control),
    status: (options) => agentStatus(options, control),
    end: (options) => endAgent(options, control),
    keygen: () => keygen(writeStdout, writeStderr),
  }, env);
  await parseCommand(command, args);
  return status;
});
