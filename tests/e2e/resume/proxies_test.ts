/** Streams go on through what may be in front of the server or of a client. */
import { startConnectProxy } from "../../support/connect_proxy.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { startNginx } from "../../support/nginx.ts";
import { Program, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { CountingShell } from "../../support/resume/counting_shell.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene, type ResumeSceneOptions } from "../../support/resume/scene.ts";
import { adapt, freePort, operateFile } from "../../operate/support.ts";

/** Kills the server while a shell and forwards are open, and does what else is to be survived. */
async function survive(scene: ResumeScene, args: string[], also?: () => Promise<void>) {
  await using shell = await CountingShell.open(args);
  await using forwards = await Forwards.open(args);
  await shell.type();
  await scene.killServer();
  const typing = shell.type();
  await scene.restartServer();
  await typing;
  await also?.();
  await shell.type();
  await forwards.stop();
  await shell.stop();
}

/** What is in front of the server, and can be started again at its port. */
class Front implements AsyncDisposable {
  readonly port = freePort();
  #running?: AsyncDisposable;

  constructor(readonly start: (port: number) => Promise<AsyncDisposable>) {}

  async restart(): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    this.#running = await this.start(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
  }
}

/** Kills the server behind a proxy, and starts the proxy again. */
async function surviveBehind(
  start: (port: number, serverPort: number) => Promise<AsyncDisposable>,
): Promise<void> {
  let front: Front;
  const options: ResumeSceneOptions = {
    server: ["--trust-proxy"],
    front: async (serverPort) => {
      front = new Front((port) => start(port, serverPort));
      await front.restart();
      return front;
    },
  };
  await using scene = await ResumeScene.start(options);
  await survive(scene, ["-F", scene.config(), "job"], () => front.restart());
}

requires("ssh", "nginx", "openssl")(
  "behind nginx: the server is killed, nginx is started again, and all goes on",
  async () => {
    await using dir = new TempDir();
    const { cert, key } = await makeCertificate(dir);
    await surviveBehind(async (port, serverPort) => {
      const site = dir.write(
        "converge.conf",
        adapt(operateFile("nginx.conf"), {
          "listen 443 ssl": `listen 127.0.0.1:${port}`,
          "/etc/ssl/converge/cert.pem": cert,
          "/etc/ssl/converge/key.pem": key,
          "127.0.0.1:8000": `127.0.0.1:${serverPort}`,
        }),
      );
      return await startNginx(dir, `include ${site};`);
    });
  },
);

requires("ssh", "caddy")(
  "behind Caddy: the server is killed, Caddy is started again, and all goes on",
  async () => {
    await using dir = new TempDir();
    const env = { HOME: dir.path, XDG_DATA_HOME: dir.path, XDG_CONFIG_HOME: dir.path };
    await surviveBehind(async (port, serverPort) => {
      const file = dir.write(
        "Caddyfile",
        adapt(operateFile("Caddyfile"), {
          "{\n\tservers": "{\n\tadmin off\n\tservers",
          "{$CONVERGE_SITE:converge.example} {": `http://:${port} {\n\tbind 127.0.0.1`,
          "127.0.0.1:8000": `127.0.0.1:${serverPort}`,
        }),
      );
      const args = ["run", "--adapter", "caddyfile", "--config", file];
      const caddy = new Program("caddy", args, { env });
      await caddy.waitFor(/serving initial configuration/);
      return caddy;
    });
  },
);

requires("ssh")("through an HTTP proxy, of the agent and of the client, all goes on", async () => {
  await using proxy = startConnectProxy();
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: "" };
  await using scene = await ResumeScene.start({ agent: { env } });
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`).join(" ");
  const config = scene.config(`ProxyCommand env ${variables} ${scene.proxyCommand()}`);
  await survive(scene, ["-F", config, "job"]);
});
