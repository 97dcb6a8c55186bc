import { requires } from "../support/requires.ts";
import { kill, VICTIMS } from "./failures/kills.ts";
import { Scene } from "./failures/scene.ts";

const test = requires("ssh");

test({
  name: "kill -9 of each program in a transfer leaves nothing behind, and the next login works",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using scene = await Scene.start();
    for (const victim of VICTIMS) await kill(scene, victim, "transferring");
  },
});
