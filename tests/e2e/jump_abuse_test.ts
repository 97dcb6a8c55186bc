/** What hostile clients ask of the jump host, and how many of them there are. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Client, type ClientChannel } from "ssh2";
import { Message } from "../../lib/ssh/protocol/numbers.ts";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";
import { JumpWorld } from "../support/jump_world.ts";
import { requires } from "../support/requires.ts";
import { ALGORITHMS, sendPacket } from "../support/ssh2_internals.ts";

const test = requires("ssh", "ssh-keygen");

/** A client of the jump host from an address of its own; it ends when disposed of. */
async function hostile({ port }: JumpWorld, localAddress: string) {
  const client = new Client();
  client.on("error", () => {});
  const options = { host: "127.0.0.1", port, localAddress, username: "mallory" };
  client.connect({ ...options, strictVendor: false, algorithms: ALGORITHMS });
  await once(client, "ready");
  const closed = new Promise<string>((resolve) =>
    client.on("close", () => resolve("the connection is closed"))
  );
  return {
    client,
    /** Opens a channel. @returns the channel, or why it was refused */
    open: (
      open: (done: (error: Error | null | undefined, channel: ClientChannel) => void) => void,
    ) => {
      const opened = new Promise<ClientChannel | string>((resolve) =>
        open((error, channel) => resolve(error?.message ?? channel))
      );
      return Promise.race([opened, closed]);
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await closed;
    },
  };
}

test("the jump host opens nothing but channels to agents, and goes on", async (t) => {
  await using jump = await JumpWorld.start();
  const { id } = await jump.world.startAgent().announced();
  await using mallory = await hostile(jump, "127.0.0.1");
  const { client, open } = mallory;
  const local = new URL(jump.world.http);
  const refused: Record<string, Parameters<typeof open>[0]> = {
    "a shell": (done) => client.shell(done),
    "a command": (done) => client.exec("id", done),
    "sftp": (done) => client.sftp((error) => done(error, undefined!)),
    "a socket": (done) => client.openssh_forwardOutStreamLocal("/run/docker.sock", done as never),
    "to listen": (done) => client.forwardIn("", 0, (error) => done(error, undefined!)),
    "to listen on a socket": (done) =>
      client.openssh_forwardInStreamLocal("/tmp/mallory", (error) => done(error, undefined!)),
  };
  const targets: [string, number][] = [
    ["127.0.0.1", Number(local.port)],
    ["127.0.0.1", jump.port],
    ["localhost", 22],
    ["::1", 22],
    ["169.254.169.254", 80],
    ["", 0],
    [`../${id}`, 22],
    [`${id}\n`, 22],
    [`${id}/../x`, 22],
    ["x".repeat(30_000), 22],
  ];
  for (const [host, port] of targets) {
    refused[`${host.slice(0, 30)}:${port}`] = (done) => client.forwardOut("", 0, host, port, done);
  }
  for (const [name, request] of Object.entries(refused)) {
    await t.step(`${JSON.stringify(name)} is refused`, async () => {
      assert.equal(typeof await open(request), "string");
    });
  }

  await t.step("requests on a channel to an agent do nothing", async () => {
    const channel = await open((done) => client.forwardOut("", 0, id, 22, done));
    assert.ok(typeof channel !== "string", String(channel));
    for (const type of ["shell", "exec", "pty-req", "env", "subsystem", "x11-req"]) {
      sendPacket(
        client,
        new Writer().byte(Message.channelRequest).uint32(0).string(type).boolean(false)
          .string("id").bytes(),
      );
    }
    const [greeting] = await once(channel, "data");
    assert.match(String(greeting), /^SSH-2\.0-/);
    channel.destroy();
  });
});

test("floods of connections and channels from one address leave others alone", async () => {
  await using jump = await JumpWorld.start();
  const agent = jump.world.startAgent({ args: ["--hold"] });
  const announced = await agent.announced();
  const logsIn = async () => {
    const { code, stdout, stderr } = await jump.ssh(announced, ["job", "echo in"]);
    assert.deepEqual([code, stdout], [0, "in\n"], stderr);
  };
  const sockets: Socket[] = [];
  const localAddress = "127.0.66.6";
  let closed = 0;
  for (let n = 0; n < 250; n++) {
    const socket = connect({ host: "127.0.0.1", port: jump.port, localAddress });
    socket.on("error", () => {}).on("close", () => closed++);
    sockets.push(socket);
    socket.write(Buffer.from("SSH-2.0-flood\r\n"));
  }
  await jump.world.server.waitFor(/"event":"ssh connection refused"/);
  await logsIn();
  const ended = sockets.map((socket) => socket.closed ? undefined : once(socket, "close"));
  for (const socket of sockets) socket.destroy();
  await Promise.all(ended);
  assert.equal(closed, sockets.length);

  // The address itself may be locked out by now.
  await using mallory = await hostile(jump, "127.0.66.7");
  const { client, open } = mallory;
  const answers = await Promise.all(
    Array.from(
      { length: 500 },
      (_, n) =>
        open((done) => client.forwardOut("", 0, n % 2 ? announced.id : `nobody-${n}`, 22, done)),
    ),
  );
  const opened = answers.filter((answer) => typeof answer !== "string");
  assert.ok(opened.length <= 16, `${opened.length} channels`);
  await logsIn();
  // One line tells of all refusals of a kind.
  const lines = jump.world.server.stderr.match(/"event":"client refused"/g) ?? [];
  assert.ok(lines.length <= 2, jump.world.server.stderr.slice(-3000));
});
