import assert from "node:assert/strict";
import { fetchKeys, githubKeysUrl, gitlabKeysUrl } from "../../lib/agent/forge_keys.ts";
import { makeCertificate } from "../support/certificate.ts";
import { TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";

const test = requires("openssl");

/** A server that stands in for the forge. */
class Forge implements AsyncDisposable {
  static async start(handler: (path: string) => Response | Promise<Response>): Promise<Forge> {
    await using dir = new TempDir();
    const { ca, cert, key } = await makeCertificate(dir);
    const read = (path: string) => Deno.readTextFileSync(path);
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: read(cert), key: read(key), onListen() {} },
      (request) => handler(new URL(request.url).pathname),
    );
    return new Forge(server, read(ca));
  }

  private constructor(readonly server: Deno.HttpServer<Deno.NetAddr>, readonly ca: string) {}

  url(path: string): URL {
    return new URL(path, `https://localhost:${this.server.addr.port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.shutdown();
  }
}

test("fetchKeys() gives the list as it is, after redirects", async () => {
  await using forge = await Forge.start((path) =>
    path === "/old"
      ? new Response(null, { status: 301, headers: { location: "/ann.keys" } })
      : new Response(`ssh-ed25519 AAAA ${path}\n`)
  );
  const keys = await fetchKeys(forge.url("/old"), { ca: forge.ca });
  assert.equal(new TextDecoder().decode(keys), "ssh-ed25519 AAAA /ann.keys\n");
});

test("fetchKeys() says why it cannot", async (t) => {
  const hanging = Promise.withResolvers<Response>();
  await using forge = await Forge.start((path) => {
    if (path === "/large") return new Response("x".repeat(300_000));
    if (path === "/plain") {
      return new Response(null, { status: 302, headers: { location: "http://localhost/" } });
    }
    if (path === "/loop") {
      return new Response(null, { status: 302, headers: { location: "/loop" } });
    }
    if (path === "/slow") return hanging.promise;
    return new Response("no such user", { status: 404 });
  });
  const cases: [path: string, message: RegExp][] = [
    ["/nobody", /cannot fetch the keys at https:\/\/localhost:\d+\/nobody: status 404/],
    ["/large", /more than 256 KiB/],
    ["/plain", /redirects to http:/],
    ["/loop", /more than 5 redirects/],
    ["/slow?token=hidden", /slow: no answer within 0.2 s/],
  ];
  for (const [path, message] of cases) {
    await t.step(path, async () => {
      const timeout = path.startsWith("/slow") ? 200 : undefined;
      await assert.rejects(fetchKeys(forge.url(path), { ca: forge.ca, timeout }), { message });
    });
  }
  await t.step("a certificate of an unknown CA", async () => {
    await assert.rejects(fetchKeys(forge.url("/")), /certificate|UnknownIssuer/);
  });
  await t.step("plain http", async () => {
    await assert.rejects(fetchKeys(new URL("http://localhost/")), /not https/);
  });
  hanging.resolve(new Response());
});

Deno.test("the forges' addresses take a user's name and nothing else", () => {
  assert.equal(githubKeysUrl("ann").href, "https://github.com/ann.keys");
  assert.equal(gitlabKeysUrl("../x?y").href, "https://gitlab.com/..%2Fx%3Fy.keys");
});
