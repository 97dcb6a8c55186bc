import assert from "node:assert/strict";
import { join } from "node:path";
import { openOutput } from "../../lib/agent/output.ts";
import { TempDir } from "../support/program.ts";

Deno.test("openOutput() adds to the log's file, and passes that on to those who follow", async () => {
  await using dir = new TempDir();
  const logFile = join(dir.path, "logs", "agent.log");
  const followed: string[] = [];
  for (const run of [1, 2]) {
    await using output = await openOutput({ logFile, logLevel: "info", detached: false });
    output.log.info("before");
    const stop = output.follow((text) => void followed.push(text));
    output.log.info("meanwhile", { run });
    output.log.debug("not worth it");
    stop();
    output.log.info("after");
  }
  const events = (text: string) => text.match(/(?<= info ).*$/gm);
  assert.deepEqual(events(followed.join("")), ["meanwhile run=1", "meanwhile run=2"]);
  assert.deepEqual(events(Deno.readTextFileSync(logFile)), [
    ...["before", "meanwhile run=1", "after"],
    ...["before", "meanwhile run=2", "after"],
  ]);
});

Deno.test("openOutput() names a log that cannot be written", async () => {
  await using dir = new TempDir();
  await assert.rejects(openOutput({ logFile: dir.path, logLevel: "info", detached: false }), {
    message: /^cannot write the log ".*": it is a directory$/,
  });
});
