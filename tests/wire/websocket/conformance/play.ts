/** Plays one case on a connection whose handshake is done, and says what came back. */
import { type RawConnection, writeAll } from "../../../../lib/wire/raw_connection.ts";
import { inTime } from "../../../support/deadline.ts";
import { encodeRawFrame } from "../../../support/raw_websocket_server.ts";
import { type ConformanceCase, Kind, type Reply, type SentFrame } from "./cases.ts";

export interface PlayOptions {
  /** Whether we are the client, who masks. */
  masked: boolean;
  /** What was read behind the handshake. */
  rest?: Uint8Array;
}

/** What the tested end did. */
export interface Outcome {
  replies: Reply[];
  /** What its close frame said, 1005 for one without a code; undefined if there was none. */
  code: number | undefined;
  /** Whether it closed before we did. */
  closedFirst: boolean;
}

/** Frames as they come, ours to read whether masked or not, up to the end of the connection. */
async function* readFrames(conn: RawConnection, rest: Uint8Array) {
  let pending = rest;
  const buffer = new Uint8Array(262_144);
  const need = async (length: number) => {
    const parts = [pending];
    let have = pending.length;
    while (have < length) {
      const count = await conn.read(buffer).catch(() => null);
      if (count === null) return false;
      parts.push(buffer.slice(0, count));
      have += count;
    }
    if (parts.length > 1) {
      pending = new Uint8Array(have);
      let at = 0;
      for (const part of parts) {
        pending.set(part, at);
        at += part.length;
      }
    }
    return true;
  };
  while (await need(2)) {
    const [first, second] = [pending[0]!, pending[1]!];
    const short = second & 0x7f;
    const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    const masked = (second & 0x80) !== 0;
    if (!await need(start + (masked ? 4 : 0))) return;
    const view = new DataView(pending.buffer, pending.byteOffset);
    const length = short === 126
      ? view.getUint16(2)
      : short === 127
      ? Number(view.getBigUint64(2))
      : short;
    const mask = masked ? pending.slice(start, start + 4) : undefined;
    const from = start + (mask ? 4 : 0);
    if (!await need(from + length)) return;
    const payload = pending.slice(from, from + length);
    if (mask) { for (let i = 0; i < length; i++) payload[i]! ^= mask[i & 3]!; }
    pending = pending.subarray(from + length);
    yield { opcode: first & 0x0f, final: (first & 0x80) !== 0, payload };
  }
}

/** The tested end as the case sees it. */
class Player {
  readonly replies: Reply[] = [];
  code: number | undefined;
  closedFirst = false;
  ended = false;
  readonly #conn: RawConnection;
  readonly #masked: boolean;
  #closeSent = false;
  #changed = Promise.withResolvers<void>();

  constructor(conn: RawConnection, { masked }: PlayOptions) {
    this.#conn = conn;
    this.#masked = masked;
  }

  /** Writes frames; a connection that the tested end has dropped takes none, which is fine. */
  async send(frames: SentFrame[], chop = Infinity): Promise<void> {
    const wire = frames.map((frame) => encodeRawFrame({ ...frame, masked: this.#masked }));
    if (frames.some(({ opcode, reserved }) => opcode === Kind.close && !reserved)) {
      this.#closeSent = true;
    }
    const whole = new Uint8Array(wire.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const bytes of wire) {
      whole.set(bytes, at);
      at += bytes.length;
    }
    try {
      for (let from = 0; from < whole.length; from += chop) {
        await writeAll(this.#conn, whole.subarray(from, from + chop));
      }
    } catch {
      // Whether it was right to drop us shows in what came.
    }
  }

  async close(code: number): Promise<void> {
    if (this.#closeSent) return;
    await this.send([{ opcode: Kind.close, payload: Uint8Array.of(code >> 8, code & 255) }]);
  }

  /** Resolves when that many replies are there, or no more can come. */
  async received(count: number): Promise<void> {
    while (this.replies.length < count && !this.ended && this.code === undefined) {
      await this.#changed.promise;
    }
  }

  async read(rest: Uint8Array): Promise<void> {
    let fragments: Uint8Array[] = [];
    let opcode = 0;
    for await (const frame of readFrames(this.#conn, rest)) {
      if (frame.opcode === Kind.pong) {
        this.replies.push({ kind: "pong", payload: frame.payload });
      } else if (frame.opcode === Kind.ping) {
        await this.send([{ opcode: Kind.pong, payload: frame.payload }]);
      } else if (frame.opcode === Kind.close) {
        this.closedFirst = !this.#closeSent;
        const { payload } = frame;
        this.code = payload.length < 2 ? 1005 : payload[0]! << 8 | payload[1]!;
        await this.close(this.code === 1005 ? 1000 : this.code);
      } else {
        if (frame.opcode !== Kind.more) opcode = frame.opcode;
        fragments.push(frame.payload);
        if (frame.final) {
          const payload = new Uint8Array(await new Blob(fragments as BlobPart[]).arrayBuffer());
          this.replies.push({ kind: opcode === Kind.text ? "text" : "binary", payload });
          fragments = [];
        }
      }
      this.#change();
    }
    this.closedFirst ||= !this.#closeSent;
    this.ended = true;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Plays a case until the connection has ended. */
export async function play(
  conn: RawConnection,
  { id, frames, chop, rounds = 1, replies, closedBy }: ConformanceCase,
  options: PlayOptions,
): Promise<Outcome> {
  const player = new Player(conn, options);
  const reading = player.read(options.rest ?? new Uint8Array(0));
  for (let round = 1; round <= rounds && player.code === undefined && !player.ended; round++) {
    await player.send(frames, chop);
    if (closedBy === "us") {
      const what = () => `case ${id}: ${player.replies.length} replies came by round ${round}`;
      await inTime(player.received(round * replies.length), what);
    }
  }
  if (closedBy === "us") await player.close(1000);
  await inTime(reading, () => `case ${id}: the connection does not end`);
  const { code, closedFirst } = player;
  return { replies: player.replies, code, closedFirst };
}
