import assert from "node:assert/strict";
import { HALF_CLOSE_SUBPROTOCOL } from "../../../lib/protocol/messages.ts";
import { connectWebSocket } from "../../../lib/wire/websocket/websocket.ts";
import { websocketStream } from "../../../lib/wire/websocket/stream.ts";
import { readAll } from "../../support/memory_stream.ts";
import { type Behaviour, echo, startWebSocketServer } from "../../support/websocket_server.ts";

/** A stream to a server that behaves so. */
async function open(behave: Behaviour, halfClose = false) {
  const protocol = halfClose ? HALF_CLOSE_SUBPROTOCOL : undefined;
  const server = startWebSocketServer({ paths: { "/": behave }, protocol });
  const connection = await connectWebSocket(new URL(server.url), {
    protocols: [HALF_CLOSE_SUBPROTOCOL],
  });
  const stream = websocketStream(connection);
  return {
    stream,
    async [Symbol.asyncDispose]() {
      stream.close();
      await stream.closed;
      await server[Symbol.asyncDispose]();
    },
  };
}

const text = (data: Uint8Array | ArrayBuffer | null) => new TextDecoder().decode(data!);
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("bytes come back as they were sent, in frames of at most 264 KiB", async () => {
  const lengths: number[] = [];
  await using opened = await open((socket) => {
    socket.onmessage = ({ data }) => {
      lengths.push(data.byteLength);
      socket.send(data);
    };
  });
  const sent = crypto.getRandomValues(new Uint8Array(65_536)).subarray(1);
  const { stream } = opened;
  const whole = new Uint8Array(600_000);
  for (let at = 0; at < whole.length; at += sent.length) {
    whole.set(sent.subarray(0, whole.length - at), at);
  }
  await stream.write(whole);
  await stream.write(new Uint8Array(0));
  const received = new Uint8Array(whole.length);
  for (let at = 0; at < whole.length;) {
    const part = await stream.read();
    received.set(part!, at);
    at += part!.length;
  }
  assert.deepEqual(received, whole);
  assert.deepEqual(lengths, [270_336, 270_336, 59_328]);
});

Deno.test("an empty message is not an end of file", async () => {
  await using opened = await open((socket) => {
    socket.onopen = () => {
      socket.send(new Uint8Array(0));
      socket.send(bytes("x"));
      socket.close(1000);
    };
  });
  assert.equal(text(await opened.stream.read()), "x");
  assert.equal(await opened.stream.read(), null);
});

Deno.test("without half-close, end() closes once all is sent", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  let received = 0;
  await using opened = await open((socket) => {
    socket.onmessage = ({ data }) => received += data.byteLength;
    socket.onclose = closed.resolve;
  });
  const { stream } = opened;
  await stream.write(new Uint8Array(5_000_000));
  await stream.end();
  await assert.rejects(stream.write(bytes("late")), /cannot write after the end/);
  assert.equal((await closed.promise).code, 1000);
  assert.equal(received, 5_000_000);
  assert.equal(await stream.read(), null);
  assert.equal(await stream.closed, undefined);
});

Deno.test("with half-close, our end leaves the other direction open", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  await using opened = await open((socket) => {
    let question = "";
    socket.onmessage = ({ data }) => {
      if (data !== "eof") return question += text(data);
      socket.send(bytes(`answer to ${question}`));
      socket.send("eof");
    };
    socket.onclose = closed.resolve;
  }, true);
  const { stream } = opened;
  await stream.write(bytes("question"));
  await stream.end();
  assert.equal(text(await readAll(stream)), "answer to question");
  assert.equal((await closed.promise).code, 1000);
  assert.equal(await stream.closed, undefined);
});

Deno.test("with half-close, the server's end leaves our direction open", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  const messages: string[] = [];
  await using opened = await open((socket) => {
    socket.onopen = () => socket.send("eof");
    socket.onmessage = ({ data }) => messages.push(typeof data === "string" ? data : text(data));
    socket.onclose = closed.resolve;
  }, true);
  const { stream } = opened;
  assert.equal(await stream.read(), null);
  await stream.write(bytes("more"));
  await stream.end();
  assert.equal((await closed.promise).code, 1000);
  assert.deepEqual(messages, ["more", "eof"]);
  assert.equal(await stream.read(), null);
});

Deno.test("a clean close of the server ends both directions, what is written later is dropped", async () => {
  for (const halfClose of [false, true]) {
    await using opened = await open((socket) => {
      socket.onopen = () => socket.close(1001);
    }, halfClose);
    const { stream } = opened;
    assert.equal(await stream.read(), null);
    await stream.write(bytes("late"));
    await stream.end();
    assert.equal(await stream.closed, undefined);
  }
});

Deno.test("any other close breaks the stream", async () => {
  await using opened = await open((socket) => {
    socket.onopen = () => socket.close(4000, "the agent is gone");
  });
  const { stream } = opened;
  const message = "the server closed the connection: the agent is gone (4000)";
  await assert.rejects(stream.read(), { message });
  await assert.rejects(stream.write(bytes("x")), { message });
  await assert.rejects(stream.end(), { message });
  assert.equal((await stream.closed)?.message, message);
});

for (const [word, halfClose] of [["hello", false], ["eof", false], ["hello", true]] as const) {
  const kind = halfClose ? "with" : "without";
  Deno.test(`a text "${word}" ${kind} half-close breaks the stream`, async () => {
    const closed = Promise.withResolvers<CloseEvent>();
    await using opened = await open((socket) => {
      socket.onopen = () => socket.send(word);
      socket.onclose = closed.resolve;
    }, halfClose);
    await assert.rejects(opened.stream.read(), /sent a text message, expected binary ones/);
    assert.equal((await closed.promise).code, 1003);
    assert.match((await opened.stream.closed)!.message, /sent a text/);
  });
}

Deno.test("close() tells the server why, and reading ends", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  await using opened = await open((socket, request) => {
    echo(socket, request);
    socket.onclose = closed.resolve;
  });
  const reading = opened.stream.read();
  opened.stream.close(new Error("the client's end broke"));
  assert.equal(await reading, null);
  const { code, reason } = await closed.promise;
  assert.deepEqual([code, reason], [4000, "the client's end broke"]);
  assert.match((await opened.stream.closed)!.message, /broke/);
});
