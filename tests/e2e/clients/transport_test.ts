/**
 * The transport as real clients see it through the real server: keys again, algorithms, keepalives.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertSameFile, succeed, writeSshConfig } from "../../support/clients.ts";
import { Program, run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { World } from "../../support/world.ts";

const test = requires("ssh");

const MEGABYTES = 150;

test("the transport with OpenSSH's client", async (t) => {
  await using world = await World.start();
  await using local = new TempDir();
  const agent = world.startAgent({ args: ["--hold"] });
  const config = writeSshConfig(world, await agent.announced());
  const ssh = (...args: string[]) => run("ssh", ["-F", config, ...args]);

  await t.step(`keys are exchanged again all along ${MEGABYTES} MB each way`, async () => {
    const random = "head -c 1000000 /dev/urandom > seed";
    const many = `for i in $(seq ${MEGABYTES}); do echo $i; cat seed; done > large`;
    await succeed("bash", ["-c", `${random} && ${many}`], { cwd: local.path });
    const args = ["-v", "-F", config, "-oRekeyLimit=16M", "-oLogLevel=DEBUG1", "-b", "-", "job"];
    const { stderr } = await succeed("sftp", args, {
      cwd: local.path,
      input: "put large large\nget large back\n",
    });
    await assertSameFile(join(local.path, "back"), join(local.path, "large"));
    const count = stderr.match(/SSH2_MSG_NEWKEYS received/g)!.length;
    assert.ok(count >= 2 * Math.floor(MEGABYTES / 16.8), `${count} key exchanges`);
  });

  await t.step("strict key exchange, and the signatures that the agent takes", async () => {
    const { stderr } = await ssh("-vvv", "job", "true");
    assert.match(stderr, /will use strict KEX ordering/);
    assert.match(stderr, /server-sig-algs=<ssh-ed25519,[^>]*rsa-sha2-256/);
    assert.match(stderr, /client_input_global_request: rtype hostkeys-00@openssh.com want_reply 0/);
  });

  for (
    const [option, offer] of [
      ["KexAlgorithms", "diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"],
      ["HostKeyAlgorithms", "ssh-rsa"],
      ["Ciphers", "aes128-cbc,3des-cbc,aes256-cbc"],
      ["MACs", "hmac-sha1,hmac-md5,hmac-sha1-etm@openssh.com"],
    ]
  ) {
    await t.step(`a client with old ${option} only is turned away`, async () => {
      const cipher = option === "MACs" ? ["-oCiphers=aes128-ctr"] : [];
      const options = ["-oLogLevel=INFO", ...cipher, `-o${option}=${offer}`];
      const { code, stderr } = await ssh(...options, "job", "true");
      assert.equal(code, 255);
      assert.match(stderr, /no matching (key exchange method|host key type|cipher|MAC) found/);
    });
  }

  await t.step("an RSA key gets in by SHA-2, not by SHA-1", async () => {
    const key = join(local.path, "rsa");
    await succeed("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", key]);
    agent.dir.write(".authorized_keys", world.publicKey + Deno.readTextFileSync(`${key}.pub`));
    for (
      const [algorithm, status] of [["rsa-sha2-512", 0], ["rsa-sha2-256", 0], ["ssh-rsa", 255]]
    ) {
      const options = [`-oIdentityFile=${key}`, `-oPubkeyAcceptedAlgorithms=${algorithm}`];
      assert.equal((await ssh(...options, "job", "true")).code, status, `${algorithm}`);
    }
  });

  await t.step("keepalives are answered, by the server too when it is idle", async () => {
    // A slow machine may miss many; a server that answers none loses the client after a minute.
    const options = ["-vvv", "-oServerAliveInterval=1", "-oServerAliveCountMax=60"];
    await using client = new Program(
      "ssh",
      ["-F", config, ...options, "job", "read go; exit 4"],
      { interactive: true },
    );
    // Type 82 is SSH_MSG_REQUEST_FAILURE: what an unknown request gets, and a sign of life.
    await client.waitFor(/receive packet: type 82[^]*receive packet: type 82/);
    client.write("\n");
    assert.equal((await client.result()).code, 4);
  });

  await requires("paramiko").step(t, {
    name: "no more sessions than one when the client has said so",
    fn: async () => {
      const announced = await agent.announced();
      const script = `
import paramiko, sys
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("job", username="${announced.username}", key_filename="${world.key}",
               sock=paramiko.ProxyCommand("${world.proxyCommand(announced.id)}"),
               allow_agent=False, look_for_keys=False)
transport = client.get_transport()
assert client.exec_command("echo in")[1].read() == b"in\\n"
assert transport.global_request("no-more-sessions@openssh.com", wait=True) is not None
try:
    transport.open_session()
except paramiko.ChannelException as error:
    print(error.code, error.text)
client.close()
`;
      const { stdout } = await succeed("/usr/bin/python3", ["-c", script]);
      assert.equal(stdout, "1 Administratively prohibited\n");
    },
  });
});
