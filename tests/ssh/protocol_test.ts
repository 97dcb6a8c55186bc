import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";
import { echoSizes } from "../support/echo_sizes.ts";
import { memoryStreamPair } from "../support/memory_stream.ts";
import { run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";
import { onUnimplemented, packetsSent } from "../support/ssh2_internals.ts";
import { RawClient } from "../support/ssh_raw_client.ts";

const test = requires("ssh");

/** Of packets, in bytes: around blocks of ciphers, and where lengths of buffers and packets end. */
const SIZES = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 23, 24, 25, 31, 32, 33],
  ...[63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 1000, 1023, 1024, 4095, 4096, 4097],
  ...[16_383, 16_384, 32_755, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 70_000],
];

test("the server offers algorithms of today only", async () => {
  await using server = await TestSshServer.start();
  const { stderr } = await server.ssh(["-vv"], ["true"]);
  const proposal = stderr.split("peer server KEXINIT proposal")[1]!.split("debug1")[0]!;
  equal(/sha1|md5|cbc|arcfour|3des|group1-|ssh-rsa|ssh-dss/.test(proposal), false);
  match(proposal, /KEX algorithms: mlkem768x25519-sha256,.*kex-strict-s-v00@openssh\.com/);
  match(stderr, /server-sig-algs=<ssh-ed25519,.*,rsa-sha2-512,rsa-sha2-256[,>]/);
});

test("each key exchange, cipher and MAC that is offered works", async () => {
  await using server = await TestSshServer.start();
  const { stderr } = await server.ssh(["-vv"], ["true"]);
  const proposal = stderr.split("peer server KEXINIT proposal")[1]!;
  const offered = (what: RegExp) => proposal.match(what)![1]!.split(",");
  const known = (await run("ssh", ["-Q", "kex"])).stdout.split("\n");
  const choices = [
    // What an older client does not have, the test of the newest OpenSSH tries.
    ...offered(/KEX algorithms: (\S+)/).filter((name) => known.includes(name))
      .map((name) => `KexAlgorithms=${name}`),
    ...offered(/ciphers ctos: (\S+)/).map((name) => `Ciphers=${name}`),
    ...offered(/MACs ctos: (\S+)/).map((name) => `MACs=${name}`),
  ];
  for (const choice of choices) {
    const cipher = choice.startsWith("MACs") ? ["-o", "Ciphers=aes128-ctr"] : [];
    await echoSizes(server, ["-o", choice, ...cipher], SIZES);
  }
});

test("keys are exchanged again in the middle of a transfer, by either side", async () => {
  const input = randomBytes(20_000_000);
  for (const [options, rekeyBytes] of [[["-o", "RekeyLimit=1M"], undefined], [[], 2_000_000]]) {
    await using server = await TestSshServer.start({ rekeyBytes: rekeyBytes as number });
    const { bytes, stderr } = await server.ssh(["-v", ...options as string[]], ["cat"], { input });
    equal(Buffer.from(bytes).equals(input), true);
    const count = stderr.match(/SSH2_MSG_NEWKEYS received/g)!.length;
    equal(count > 5, true, `${count} key exchanges`);
  }
});

test("requests that are not known are refused and the connection lives on", async () => {
  await using server = await TestSshServer.start();
  const subsystem = await server.ssh(["-s"], ["nonsense"]);
  match(subsystem.stderr, /subsystem request failed/);
  const forward = await server.ssh(["-R", "0:localhost:1", "-X"], ["echo in"], {
    env: { DISPLAY: ":77" },
  });
  match(forward.stderr, /remote port forwarding failed/);
  equal(forward.stdout, "in\n");
  await using raw = await RawClient.connect(server);
  raw.send(new Writer().byte(80).string("nonsense@example.org").boolean(true).bytes());
  raw.send(new Writer().byte(80).string("__proto__").boolean(true).bytes());
  raw.send(new Writer().byte(80).string("nonsense").boolean(false).bytes());
  await rejects(
    new Promise((resolve, reject) => {
      raw.client.forwardOut("127.0.0.1", 1, "127.0.0.1", 1, (error) => {
        if (error) reject(error);
        else resolve(undefined);
      });
    }),
    /unknown channel type/,
  );
  raw.send(
    new Writer().byte(90).string("constructor").uint32(77).uint32(1000).uint32(1000).bytes(),
  );
  deepEqual(await raw.exec("echo still"), { output: "still\n", code: 0 });
});

test("messages that mean nothing are answered so, and logging in again is ignored", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  const answers: number[] = [];
  onUnimplemented(raw.client, (sequence) => answers.push(sequence));
  const sent = packetsSent(raw.client);
  raw.send(Uint8Array.of(192, 1, 2, 3));
  raw.send(new Writer().byte(50).string("ann").string("ssh-connection").string("none").bytes());
  raw.send(Uint8Array.of(60));
  deepEqual(await raw.exec("echo in"), { output: "in\n", code: 0 });
  deepEqual(answers, [sent, sent + 2]);
});

test("no session comes right behind the word that there will be none", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  raw.send(new Writer().byte(80).string("no-more-sessions@openssh.com").boolean(true).bytes());
  await rejects(raw.exec("true"), /no more sessions/);
});

test("the client's version may come in pieces", async () => {
  await using server = await TestSshServer.start();
  const [ours, theirs] = memoryStreamPair();
  const served = server.serve(theirs, "192.0.2.1");
  for (const character of "SSH-2.0-test_1 a comment\r\n") {
    await ours.write(new TextEncoder().encode(character));
  }
  let answer = "";
  // The names of algorithms come once the version is understood.
  while (!answer.includes("curve25519-sha256")) answer += Buffer.from((await ours.read())!);
  ours.close();
  await served;
});

test("a client's signal goes to the program", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  const result = await raw.exec(
    "trap 'echo got USR1; exit 8' USR1; echo ready; while :; do sleep 0.1; done",
    (stream) => stream.signal("USR1"),
  );
  deepEqual(result, { output: "ready\ngot USR1\n", code: 8 });
  const killed = await raw.exec("echo ready; exec sleep 1000", (stream) => stream.signal("KILL"));
  deepEqual(killed, { output: "ready\n", signal: "SIGKILL" });
});

test("a break interrupts what runs in the terminal", async () => {
  await using server = await TestSshServer.start();
  await using terminal = server.terminal(["-tt"], ["echo ready; exec sleep 1000"]);
  await terminal.waitFor(/ready/);
  terminal.write("\r~B");
  equal(await terminal.exited, 255);
});

test("what is no SSH ends its own connection only", async () => {
  await using server = await TestSshServer.start();
  const talk = async (bytes: Uint8Array) => {
    using conn = await Deno.connect({ port: server.port });
    await conn.write(bytes).catch(() => {});
    const buffer = new Uint8Array(4096);
    try {
      await conn.closeWrite();
      while (await conn.read(buffer) !== null);
    } catch {
      // The server may end the connection before it has read everything.
    }
  };
  const text = (text: string) => new TextEncoder().encode(text);
  await talk(text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await talk(text("SSH-1.5-old\r\n"));
  await talk(text(""));
  await talk(text("x".repeat(100_000)));
  for (let i = 0; i < 20; i++) {
    await talk(Buffer.concat([text("SSH-2.0-test\r\n"), randomBytes(3000)]));
  }
  equal((await server.ssh([], ["echo in"])).stdout, "in\n");
});

/** Messages of a client that is logged in, to be spoiled. */
const MESSAGES = [
  new Writer().byte(90).string("session").uint32(9).uint32(1e6).uint32(32768),
  new Writer().byte(98).uint32(0).string("exec").boolean(true).string("true"),
  new Writer().byte(98).uint32(0).string("shell").boolean(true),
  new Writer().byte(98).uint32(0).string("pty-req").boolean(true).string("xterm").uint32(80)
    .uint32(24).uint32(0).uint32(0).string(Uint8Array.of(129, 0, 0, 150, 0, 0)),
  new Writer().byte(98).uint32(0).string("env").boolean(true).string("A").string("b"),
  new Writer().byte(98).uint32(0).string("window-change").boolean(false).uint32(0).uint32(9e8)
    .uint32(0).uint32(0),
  new Writer().byte(98).uint32(0).string("signal").boolean(false).string("TERM"),
  new Writer().byte(80).string("tcpip-forward").boolean(true).string("x").uint32(0),
  new Writer().byte(93).uint32(0).uint32(2 ** 32 - 1),
  new Writer().byte(94).uint32(0).string("data"),
  new Writer().byte(95).uint32(0).uint32(1).string("data"),
  new Writer().byte(91).uint32(0).uint32(0).uint32(0).uint32(0),
  new Writer().byte(92).uint32(0).uint32(0).string("").string(""),
  new Writer().byte(96).uint32(0),
  new Writer().byte(97).uint32(0),
  new Writer().byte(81),
  new Writer().byte(50).string("ann").string("ssh-connection").string("none"),
  new Writer().byte(5).string("ssh-userauth"),
  new Writer().byte(60),
  new Writer().byte(200),
].map((message) => message.bytes());

test("spoiled messages end their own connection only", async () => {
  await using server = await TestSshServer.start();
  for (let round = 0; round < 20; round++) {
    await using raw = await RawClient.connect(server);
    // The same in each run, so that a failure can be found again.
    const random = createHash("sha512").update(`round ${round}`).digest();
    raw.send(MESSAGES[0]!);
    for (let i = 0; i < 20; i++) {
      const message = Uint8Array.from(MESSAGES[random[i]! % MESSAGES.length]!);
      const kind = random[i + 20]! % 4;
      const at = 1 + random[i + 40]! % message.length;
      if (kind === 0 && at < message.length) message[at] = message[at]! ^ (1 << i % 8);
      raw.send(kind === 1 ? message.subarray(0, at) : message);
    }
  }
  equal((await server.ssh([], ["echo in"])).stdout, "in\n");
});
