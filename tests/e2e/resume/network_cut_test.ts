/** The network between a client or an agent and the server is cut for a while. */
import { eventually } from "../../support/deadline.ts";
import { requires } from "../../support/requires.ts";
import { CountingShell } from "../../support/resume/counting_shell.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene } from "../../support/resume/scene.ts";

const test = requires("ssh");

for (const side of ["client", "agent"] as const) {
  for (const how of ["reset", "silence"] as const) {
    test(`the ${side}'s network is cut, with ${how}: shells and forwards go on`, async () => {
      await using scene = await ResumeScene.start();
      const args = ["-F", scene.config(), "job"];
      await using shell = await CountingShell.open(args);
      await using forwards = await Forwards.open(args);
      await shell.type();
      const link = scene.links[side];
      const { accepted } = link;
      await link[how]();
      const typing = shell.type();
      if (how === "silence") {
        // Those who notice it connect again.
        const noticed = () => link.accepted > accepted;
        await eventually(noticed, () => "nobody noticed that nothing comes any more");
      }
      await link.restore();
      await typing;
      await shell.type();
      await forwards.stop();
      await shell.stop();
    });
  }
}
