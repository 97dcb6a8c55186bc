/** The ports of the real programs: a server and an agent, each a process of its own. */
import assert from "node:assert/strict";
import { writeAll } from "../../../lib/wire/raw_connection.ts";
import { residentMemory } from "../../bench/usage.ts";
import { inTime } from "../../support/deadline.ts";
import { encodeRawFrame } from "../../support/raw_websocket_server.ts";
import { type Agent, World } from "../../support/world.ts";
import { damaged, damagedStream } from "./damage.ts";
import { sampleFrames } from "./parsers.ts";
import { hellos } from "./ssh.ts";
import { type FuzzTarget, target } from "./target.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A request for an upgrade, as bytes; through a proxy, if it comes from another address. */
function upgradeTo(path: string, address?: string): Uint8Array {
  const headers = ["Host: a", "Connection: Upgrade", "Upgrade: websocket"];
  if (address) headers.push(`X-Forwarded-For: ${address}`);
  const key = ["Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${btoa("0123456789abcdef")}`];
  return bytes([`GET ${path} HTTP/1.1`, ...headers, ...key, "", ""].join("\r\n"));
}

const REQUESTS = [
  bytes("GET /usage?os=linux HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"),
  bytes("HEAD /static/style.css HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n"),
  bytes(
    "POST /api/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  ),
  bytes("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n"),
  upgradeTo("/client/none?wait=1m"),
  upgradeTo("/agent/job"),
];

const FIRST_MESSAGES = [
  `{"type":"register","protocol":1,"version":"1","facts":{"host":"h","user":"u","os":"o","shell":"s"}}`,
  `{"type":"park","protocol":1,"resume":"secret"}`,
].map((text) => encodeRawFrame({ opcode: 1, payload: bytes(text), masked: true }));

/** Sends bytes, ends, and waits for the end of what comes back. */
async function exchange(port: number, pieces: Uint8Array[]): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(65_536);
  const drained = (async () => {
    while (await conn.read(buffer).catch(() => null) !== null);
  })();
  try {
    for (const piece of pieces) await writeAll(conn, piece);
    await conn.closeWrite();
  } catch {
    // The program has closed the connection already, as it may.
  }
  await inTime(drained, () => `the connection does not end after ${pieces.join(" ")}`);
}

/** The port of `agent status` and the like, with requests that do not end the agent. */
function localControl({ dir, program }: Agent): FuzzTarget {
  const record = Deno.readTextFileSync(`${dir.path}/.converge/agent-${program.pid}.json`);
  const { port, token } = JSON.parse(record);
  const requests = [
    { token, command: "status" },
    { token, command: "wait" },
    { token, command: "nothing" },
    { token: "wrong", command: "end", reason: "stopped", status: 0 },
  ].map((request) => bytes(`${JSON.stringify(request)}\n`));
  return target("port: local control", damagedStream(requests), (pieces) => exchange(port, pieces));
}

/** Ports with the processes behind them. */
export class Ports implements AsyncDisposable {
  readonly targets: FuzzTarget[];
  readonly #world: World;
  readonly #agent: Agent;

  private constructor(world: World, agent: Agent) {
    this.#world = world;
    this.#agent = agent;
    const port = Number(new URL(world.http).port);
    // Each from another address: one that only sends garbage is locked out soon.
    let clients = 0;
    const toAgent = () =>
      upgradeTo("/client/fuzzed", `10.0.${++clients >> 8 & 255}.${clients & 255}`);
    this.targets = [
      target("port: HTTP", damagedStream(REQUESTS), (pieces) => exchange(port, pieces)),
      target("port: websocket of a client", damagedStream(sampleFrames(true)), (pieces) => {
        return exchange(port, [upgradeTo("/client/nobody?wait=1h"), ...pieces]);
      }),
      target("port: websocket of an agent", damaged(FIRST_MESSAGES), (message) => {
        return exchange(port, [upgradeTo("/agent/other"), message]);
      }),
      target("port: SSH through the server", damagedStream(hellos()), (pieces) => {
        const frames = pieces.map((payload) =>
          encodeRawFrame({ opcode: 2, payload, masked: true })
        );
        return exchange(port, [toAgent(), ...frames]);
      }),
      localControl(agent),
    ];
  }

  static async start(): Promise<Ports> {
    // V8 would let garbage lie for a long time, which looks like growth.
    const world = await World.start(["--max-agents", "5", "--trust-proxy"], {
      DENO_V8_FLAGS: "--max-old-space-size=192",
    });
    const agent = world.startAgent({ id: "fuzzed", args: ["--log-level", "error"] });
    await agent.announced();
    return new Ports(world, agent);
  }

  /** Resident memory of both programs, in MiB. */
  get memory(): number {
    const programs = [this.#world.server, this.#agent.program];
    return programs.reduce((sum, { pid }) => sum + residentMemory(pid), 0);
  }

  /** Whether honest people still get in. */
  async check(): Promise<void> {
    const { code, stdout, stderr } = await this.#world.ssh(await this.#agent.announced(), [
      "echo in",
    ]);
    assert.deepEqual([code, stdout], [0, "in\n"], stderr);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]();
  }
}
