/** A server with a certificate of its own, whose issuer nobody knows. */
import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { makeCertificate } from "../support/certificate.ts";
import { makeHome, writePrograms } from "../support/home.ts";
import { run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type Announced, World } from "../support/world.ts";

const test = requires("ssh", "openssl");

test({
  name: "agent and wsproxy trust a server's certificate when they are told to",
  fn: async (t) => {
    await using dir = new TempDir();
    const { ca, cert, key } = await makeCertificate(dir);
    await using world = await World.start(["--tls-cert", cert, "--tls-key", key]);
    const url = world.url.replace("ws:", "wss:");

    for (const trust of [["--ca-file", ca], ["--insecure"]]) {
      await t.step(`with ${trust[0]}`, async () => {
        const agent = world.startAgent({ args: trust, url });
        const announced = await agent.announced();
        const proxyCommand = world.proxyCommand(announced.id)
          .replace(world.url, `${trust.join(" ")} ${url}`)
          .replace(" -N ", " -N -R ");
        const result = await world.ssh(announced, [`-oProxyCommand=${proxyCommand}`, "echo in"]);
        assert.equal(result.stdout, "in\n", result.stderr);
        assert.equal(/any certificate/.test(agent.program.stderr), trust[0] === "--insecure");
      });
    }
    await t.step("the commands that the agent prints name the file", async () => {
      await using home = new TempDir();
      const { env, key } = await makeHome(home);
      writePrograms(home, ["wsproxy", "tunnel"]);
      const agent = world.startAgent({ args: ["--ca-file", ca], url, authorizedKeys: key });
      const { ssh, tunnel } = await agent.announced() as Announced & Record<string, string>;
      // The person has the file in the current directory.
      const options = { env, cwd: dirname(ca) };
      const { code, stdout, stderr } = await run("sh", ["-c", `${ssh} echo in`], options);
      assert.deepEqual([code, stdout], [0, "in\n"], stderr);
      assert.match(tunnel!, new RegExp(`^tunnel --ca-file ${basename(ca)} 10000 wss:`));
    });
    const empty = dir.write("empty.pem", "");
    for (const file of ["/no/such/file", "", dir.path, empty]) {
      await t.step(`with --ca-file, whatever SSL_CERT_FILE="${file}" names`, async () => {
        const agent = world.startAgent({
          args: ["--ca-file", ca],
          url,
          env: { SSL_CERT_FILE: file },
        });
        const announced = await agent.announced();
        const proxyCommand = world.proxyCommand(announced.id)
          .replace(world.url, `--ca-file ${ca} ${url}`).replace(" -N ", " -N -R ");
        const { stdout, stderr } = await world.ssh(
          announced,
          [`-oProxyCommand=${proxyCommand}`, 'echo "$SSL_CERT_FILE"'],
          { env: { SSL_CERT_FILE: file } },
        );
        assert.equal(stdout, `${file}\n`, stderr);
      });
    }
    await t.step("not without, and the agent ends at once and says what can be done", async () => {
      const { code, stderr } = await world.startAgent({ url }).program.result();
      assert.equal(code, 1);
      assert.match(
        stderr,
        /agent: cannot register at .*certificate is not trusted: its issuer is unknown; trust it with --ca-file/,
      );
      assert.doesNotMatch(stderr, /trying again/);
    });
  },
});

test("the server takes a renewed certificate at SIGHUP; open connections go on", async (t) => {
  await using dir = new TempDir();
  await using renewed = new TempDir();
  const { ca, cert, key } = await makeCertificate(dir);
  await using world = await World.start(["--tls-cert", cert, "--tls-key", key]);
  const url = world.url.replace("ws:", "wss:");
  const agent = world.startAgent({ args: ["--ca-file", ca], url });
  const announced = await agent.announced();
  const proxyCommand = (ca: string) =>
    world.proxyCommand(announced.id).replace(world.url, `--ca-file ${ca} ${url}`)
      .replace(" -N ", " -N -R ");
  await using shell = world.startSsh(announced, [`-oProxyCommand=${proxyCommand(ca)}`, "cat"], {
    interactive: true,
  });
  await shell.write(new TextEncoder().encode("before\n"));
  await shell.waitFor(/before/);

  await t.step("a bad file changes nothing", async () => {
    await Deno.writeTextFile(cert, "no certificate");
    world.server.kill("SIGHUP");
    await world.server.waitFor(/"certificate not reloaded".*--tls-cert as a PEM certificate/);
    const result = await world.ssh(announced, [`-oProxyCommand=${proxyCommand(ca)}`, "echo in"]);
    assert.equal(result.stdout, "in\n", result.stderr);
  });
  await t.step("another certificate is used from then on", async () => {
    const other = await makeCertificate(renewed);
    await Deno.copyFile(other.cert, cert);
    await Deno.copyFile(other.key, key);
    world.server.kill("SIGHUP");
    await world.server.waitFor(/"certificate reloaded"[^]*"listening again"/);
    const trusting = [`-oProxyCommand=${proxyCommand(other.ca)}`, "echo in"];
    const result = await world.ssh(announced, trusting);
    assert.equal(result.stdout, "in\n", result.stderr);
    const former = await world.ssh(announced, [`-oProxyCommand=${proxyCommand(ca)}`, "true"]);
    assert.match(former.stderr, /certificate is not trusted/);
  });
  await shell.write(new TextEncoder().encode("after\n"));
  await shell.waitFor(/after/);
});
