/** Two agents that want the same ID: nobody enters the other's job by mistake. */
import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { World } from "../support/world.ts";

requires("ssh")(
  "of two agents with one ID the later one takes no password, and the first one says so",
  async () => {
    await using world = await World.start([], { CONVERGE_PASSWORD: "sesame" });
    const first = world.startAgent({ id: "job", authorizedKeys: null });
    const holder = await first.announced();
    const noKey = ["-oPubkeyAuthentication=no", "-oLogLevel=INFO"];
    {
      await using terminal = world.terminal(holder, noKey);
      await terminal.waitFor(/[Pp]assword: $/);
      assert.doesNotMatch(terminal.output, /another agent/);
    }
    const second = world.startAgent({ id: "job", authorizedKeys: null });
    const renamed = await second.announced();
    assert.notEqual(renamed.id, "job");
    {
      await using terminal = world.terminal(renamed, noKey);
      await terminal.waitFor(/Permission denied \(publickey\)/);
    }
    await using terminal = world.terminal(holder, noKey);
    await terminal.waitFor(/[Pp]assword: $/);
    assert.match(terminal.output, /another agent asked for the ID job and got another one/);
    assert.ok(terminal.output.includes(holder.fingerprint));
    terminal.write("sesame\r");
    await terminal.waitFor(/you are logged in to the job job/);
  },
);
