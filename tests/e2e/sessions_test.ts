/** What operators see of agents and their clients. */
import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

test("/api/sessions/events tells what each client has open, and when the agent ends", async () => {
  await using world = await World.start();
  const agent = await world.startAgent({ args: ["--hold"] }).announced();
  const ssh = world.startSsh(agent, ["cat"], { interactive: true });
  await ssh.write("here\n");
  await ssh.waitFor(/here/);

  const response = await fetch(`${world.http}/api/sessions/events`);
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (/"sessions":\["exec"\]/.test(text)) break;
  }
  assert.match(text, /"deadline":\d+/);
  assert.ok(!text.includes(agent.id), "without a password nobody sees a whole ID");
});
