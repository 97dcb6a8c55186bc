import assert from "node:assert/strict";
import { programName } from "../../../lib/agent/announce/program_name.ts";

Deno.test("programName() is what a shell of the job takes", {
  ignore: Deno.build.os === "windows",
}, () => {
  for (
    const [executable, name] of [
      ["/job/agent", "./agent"],
      ["/job/agent-linux-arm64", "./agent-linux-arm64"],
      ["/tmp/runner/converge/agent", "/tmp/runner/converge/agent"],
      ["/my tools/agent", '"/my tools/agent"'],
      [undefined, "agent"],
    ] as const
  ) assert.equal(programName(executable, "/job"), name);
});
