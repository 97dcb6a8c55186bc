/** A websocket message that never ends, by hand: no client sends one. */
import assert from "node:assert/strict";

/** Opens a websocket by hand and reads the answer. */
export async function upgrade(port: number, path: string, ca?: string): Promise<Deno.Conn> {
  const connection = ca === undefined
    ? await Deno.connect({ hostname: "127.0.0.1", port })
    : await Deno.connectTls({ hostname: "localhost", port, caCerts: [Deno.readTextFileSync(ca)] });
  const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n` +
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  const answer = new Uint8Array(1_024);
  const length = await connection.read(answer);
  assert.match(new TextDecoder().decode(answer.subarray(0, length!)), /^HTTP\/1\.1 101 /);
  return connection;
}

/** Sends fragments of one message until the connection ends. @returns how many bytes */
export async function sendEndlessMessage(connection: Deno.Conn): Promise<number> {
  const payload = 65_535;
  const frame = new Uint8Array(8 + payload);
  let opcode = 0x02;
  for (let sent = 0;; sent += payload) {
    frame.set([opcode, 0x80 | 126, payload >> 8, payload & 0xff]);
    opcode = 0x00;
    try {
      for (let at = 0; at < frame.length;) at += await connection.write(frame.subarray(at));
    } catch {
      return sent;
    }
  }
}
