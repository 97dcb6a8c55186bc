/** One of the three programs cannot resume, as those from before it: all is as it was then. */
import assert from "node:assert/strict";
import { startNginx } from "../../support/nginx.ts";
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { CountingShell } from "../../support/resume/counting_shell.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { freePort } from "../../operate/support.ts";

/** A shell and forwards work, and end at once when the server is killed. */
async function assertAsBefore(scene: ResumeScene, args: string[]): Promise<void> {
  await using shell = await CountingShell.open(args);
  await using forwards = await Forwards.open(args);
  await shell.type();
  await forwards.stop();
  await shell.stop();
  await using lost = await CountingShell.open(args);
  assert.doesNotMatch(scene.world.server.stderr, /"resumable":true/);
  await scene.killServer();
  const { code, stderr } = await lost.program.result();
  assert.equal(code, 255);
  assert.doesNotMatch(stderr, /reconnect/);
}

requires("ssh")("a client that cannot resume, or is told not to", async () => {
  await using scene = await ResumeScene.start();
  const config = scene.config(`ProxyCommand ${scene.proxyCommand("--resume-time", "0")}`);
  await assertAsBefore(scene, ["-F", config, "job"]);
});

requires("ssh")("an agent that cannot resume, or is told not to", async () => {
  await using scene = await ResumeScene.start({ agent: { args: ["--resume-time", "0"] } });
  await assertAsBefore(scene, ["-F", scene.config(), "job"]);
});

requires("ssh", "nginx")("a server that cannot resume", async () => {
  await using dir = new TempDir();
  await using scene = await ResumeScene.start({
    // Such a server does not know the other subprotocol.
    front: async (serverPort) => {
      const port = freePort();
      const nginx = await startNginx(
        dir,
        `server { listen 127.0.0.1:${port}; location / {
          proxy_pass http://127.0.0.1:${serverPort}; proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
          proxy_set_header Sec-WebSocket-Protocol half-close.converge; } }`,
      );
      return { port, [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose]() };
    },
  });
  await assertAsBefore(scene, ["-F", scene.config(), "job"]);
});
