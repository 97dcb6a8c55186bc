import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { ATTACKS } from "./hostile/attacks.ts";
import { besiege, MAX_AGENT, MAX_SERVER } from "./hostile.ts";

requires("ssh")({
  name: "an honest shell goes on beside hostile peers of each kind, and memory is bounded",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const kinds = Object.keys(ATTACKS);
    const seen = await besiege({
      ...{ peers: 4, duration: 2_000, scattered: true, kinds, niceness: 0 },
    });
    for (const kind of kinds) assert.ok(seen.connections[kind]! > 0, kind);
    assert.ok(seen.serverMemory < MAX_SERVER, `${seen.serverMemory} bytes`);
    assert.ok(seen.agentMemory < MAX_AGENT, `${seen.agentMemory} bytes`);
  },
});
