/** What hostile peers do; each attack is done again as soon as it ends. */
import { delay } from "../../../lib/wire/delay.ts";
import { randomBytes } from "../../support/clients.ts";
import { registerMessage } from "../../support/test_socket.ts";
import { Peer, type Prey } from "./peer.ts";
import { SshPeer } from "./ssh_peer.ts";

const text = (text: string) => new TextEncoder().encode(text);
const Opcode = { continuation: 0, text: 1, binary: 2 };

const FRAGMENT = randomBytes(65_000);
const HELLO = text("SSH-2.0-attack\r\n");

/** A path that leads to no role, or to a wait. */
function openPath(turn: number): string {
  return turn % 2 ? "/agent/attack" : "/client/attack?wait=5m";
}

/** Each resolves when its connection has ended; `turn` counts them. */
export const ATTACKS: Record<string, (prey: Prey, turn: number) => Promise<void>> = {
  async "endless fragments"(prey, turn) {
    using peer = await Peer.upgrade(prey, openPath(turn));
    for (let opcode = Opcode.binary; peer.isOpen; opcode = Opcode.continuation) {
      await peer.sendFrame({ opcode, payload: FRAGMENT, final: false });
    }
  },
  async "tiny messages"(prey, turn) {
    using peer = await Peer.upgrade(prey, turn % 2 ? `/client/${prey.id}` : openPath(turn));
    for (const byte of HELLO) {
      await peer.sendFrame({ opcode: Opcode.binary, payload: Uint8Array.of(byte) });
    }
    const payload = new Uint8Array(1);
    while (peer.isOpen) await peer.sendFrame({ opcode: Opcode.binary, payload });
  },
  async "never reading"(prey, turn) {
    if (turn % 2) {
      using peer = await Peer.connect(prey);
      const request = "GET /static/style.css HTTP/1.1\r\nHost: x\r\n\r\n";
      await peer.send(request.repeat(100));
      await peer.ended;
    } else {
      using peer = await SshPeer.connect(prey, { privateKey: prey.privateKey });
      peer.client.exec("exec cat /dev/zero", () => peer.pause());
      await peer.ended;
    }
  },
  async "slow headers"(prey) {
    using peer = await Peer.connect(prey);
    await peer.send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    while (peer.isOpen) {
      await peer.send("x");
      await delay(1_000);
    }
  },
  async "half handshakes"(prey, turn) {
    using peer = await Peer.upgrade(prey, turn % 2 ? `/client/${prey.id}` : "/agent/attack");
    if (turn % 2) await peer.sendFrame({ opcode: Opcode.binary, payload: HELLO });
    await peer.ended;
  },
  async "huge frames"(prey, turn) {
    using peer = await Peer.upgrade(prey, turn % 3 ? openPath(turn) : `/client/${prey.id}`);
    // A frame of 2^62 bytes, masked with zeros.
    await peer.send(Uint8Array.of(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    while (peer.isOpen) await peer.send(FRAGMENT);
  },
  async registrations(prey) {
    using peer = await Peer.upgrade(prey, `/agent/${crypto.randomUUID()}`);
    await peer.sendFrame({
      opcode: Opcode.text,
      payload: text(JSON.stringify(registerMessage())),
    });
    await delay(100);
  },
  async logins(prey, turn) {
    using _peer = await SshPeer.connect(prey, { password: `wrong ${turn}` });
  },
  async channels(prey) {
    using peer = await SshPeer.connect(prey, { privateKey: prey.privateKey });
    const { client, ended } = peer;
    let isOpen = true;
    client.on("end", () => isOpen = false);
    client.on("close", () => isOpen = false);
    ended.then(() => isOpen = false);
    const flood = async () => {
      while (isOpen) {
        // Nobody listens there.
        const open = (done: () => void) => client.forwardOut("127.0.0.1", 1, "127.0.0.1", 1, done);
        await Promise.race([new Promise<void>(open), ended]);
      }
    };
    await Promise.all(Array.from({ length: 10 }, flood));
  },
  async "jump connections"(prey, turn) {
    using peer = await Peer.connect({ ...prey, port: prey.sshPort });
    // Silent, or stuck in the key exchange, or an endless greeting.
    if (turn % 3 > 0) await peer.send(HELLO);
    while (turn % 3 === 2 && peer.isOpen) await peer.send(FRAGMENT);
    await peer.ended;
  },
  async "jump logins"(prey) {
    using _peer = await SshPeer.jump(prey);
  },
  async "jump channels"(prey, turn) {
    using peer = await SshPeer.jump(prey);
    const { client, ended } = peer;
    const id = turn % 2 ? prey.id : "nobody";
    for (let isOpen = true; isOpen;) {
      const opened = new Promise<boolean>((resolve) =>
        client.forwardOut("", 0, id, 22, (error) => resolve(turn % 2 === 0 || !error))
      );
      isOpen = await Promise.race([opened, ended.then(() => false)]);
    }
    if (turn % 2) await delay(100);
  },
};
