/** Clients that say anything but what logs in. */
import { equal } from "node:assert/strict";
import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";
import { ALGORITHMS, sendPacket } from "../support/ssh2_internals.ts";

const test = requires("ssh");

const request = (method: string) =>
  new Writer().byte(50).string("ann").string("ssh-connection").string(method);

/** Messages of a client that wants to log in, to be spoiled. */
const MESSAGES = [
  request("none"),
  request("password").boolean(false).string("guess"),
  request("password").boolean(true).string("old").string("new"),
  request("publickey").boolean(false).string("ssh-ed25519").string(new Uint8Array(51).fill(7)),
  request("publickey").boolean(true).string("rsa-sha2-256").string(new Uint8Array(300).fill(7))
    .string("x"),
  request("keyboard-interactive").string("").string(""),
  new Writer().byte(50).string("ann").string("ssh-nonsense").string("none"),
  new Writer().byte(5).string("ssh-userauth"),
  new Writer().byte(5).string("ssh-connection"),
  new Writer().byte(61).uint32(2 ** 32 - 1),
  new Writer().byte(80).string("tcpip-forward").boolean(true),
  new Writer().byte(90).string("session").uint32(0).uint32(1000).uint32(1000),
  new Writer().byte(98).uint32(0).string("exec").boolean(true).string("true"),
].map((message) => message.bytes());

/** One of the messages with a byte changed, or cut off; the same for a number in each run. */
function spoiled(number: number): Uint8Array {
  const random = new DataView(
    Uint8Array.from(createHash("sha256").update(`${number}`).digest()).buffer,
  );
  const copy = Uint8Array.from(MESSAGES[random.getUint32(0) % MESSAGES.length]!);
  const at = 1 + random.getUint32(4) % (copy.length - 1);
  if (random.getUint8(8) % 3 === 0) copy[at] = random.getUint8(9);
  return random.getUint8(10) % 3 === 0 ? copy.subarray(0, at) : copy;
}

/** Sends messages once keys are exchanged; resolves when the connection has ended. */
async function attempt(port: number, messages: Uint8Array[]): Promise<void> {
  const client = new ssh2.Client();
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
  client.on("error", () => {});
  let isOver = false;
  const authHandler = () => {
    if (isOver) return false as const;
    isOver = true;
    for (const message of messages) sendPacket(client, message);
    return false as const;
  };
  client.connect({
    host: "127.0.0.1",
    port,
    username: "ann",
    algorithms: ALGORITHMS,
    // deno-lint-ignore no-explicit-any -- the types want a method of logging in
    authHandler: authHandler as any,
  });
  await closed;
}

test("spoiled requests to log in end their own connection only, and nobody gets in", async () => {
  await using server = await TestSshServer.start();
  for (let round = 0; round < 30; round++) {
    const messages = Array.from({ length: 20 }, (_, message) => spoiled(20 * round + message));
    await attempt(server.port, messages);
  }
  equal(server.lines.some((line) => / info login /.test(line)), false);
  equal((await server.ssh([], ["echo in"])).stdout, "in\n");
});
