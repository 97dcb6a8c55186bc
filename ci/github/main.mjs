// @ts-check
/** The action's step: starts the agent. @module */
import {
  agentArguments,
  choice,
  downloadAgent,
  fail,
  input,
  runAgent,
  saveState,
} from "./agent.mjs";

try {
  const server = input("server");
  if (server === "") throw new Error("the input server is missing");
  choice("when", ["failure", "always"]);
  const args = agentArguments();
  await downloadAgent();
  const status = await runAgent([...args, server]);
  if (status === 0 && args.includes("--detach")) saveState("started", "true");
  process.exitCode = status;
} catch (error) {
  fail(error);
}
