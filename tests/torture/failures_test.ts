import { requires } from "../support/requires.ts";
import { moveClock } from "./failures/clock.ts";
import { useUpDescriptors } from "./failures/descriptors.ts";
import { kill, VICTIMS } from "./failures/kills.ts";
import { runApart } from "./failures/namespace.ts";
import { Scene } from "./failures/scene.ts";

const linux = { ignore: Deno.build.os !== "linux" };
const root = { ignore: Deno.build.os !== "linux" || Deno.uid() !== 0 };

requires("ssh")(
  "kill -9 of each program in a transfer leaves nothing behind, and the next login works",
  linux,
  async () => {
    await using scene = await Scene.start();
    for (const victim of VICTIMS) await kill(scene, victim, "transferring");
  },
);

requires("ssh", "prlimit")(
  "without descriptors sessions go on, and with them people log in again",
  linux,
  async () => {
    await using scene = await Scene.start();
    for (const victim of ["server", "agent"] as const) await useUpDescriptors(scene, victim);
  },
);

requires("ssh", "faketime")(
  "a clock that is moved by a day harms no session, agent or login",
  linux,
  moveClock,
);

requires("ssh", "unshare", "ip")(
  "a session goes on when the network was cut",
  root,
  () => runApart("cut.ts", "0"),
);

requires("ssh", "unshare", "ip")(
  "with a full disk sessions go on, people log in, and programs start",
  root,
  () => runApart("disk.ts"),
);
