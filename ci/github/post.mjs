// @ts-check
/** The action's last step, at the end of the job: waits for people, or ends the agent. @module */
import { choice, fail, input, runAgent } from "./agent.mjs";

try {
  if (process.env.STATE_started === "true") {
    const failed = input("job-status") === "failure";
    const cancelled = input("job-status") === "cancelled";
    const waits = failed || choice("when", ["failure", "always"]) === "always" && !cancelled;
    process.exitCode = await runAgent([waits ? "wait" : "stop"]);
  }
} catch (error) {
  fail(error);
}
