/**
 * An agent without SSH: source_agent.ts URL ID. A client that begins with "echo" gets back what it
 * sends, one that begins with a number gets so many bytes.
 */
import { Registration } from "../../../lib/agent/registration.ts";
import { createLog } from "../../../lib/log/log.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";

const BLOCK = new Uint8Array(128 * 1024);

async function serve(stream: ByteStream): Promise<void> {
  try {
    const first = new TextDecoder().decode(await stream.read() ?? new Uint8Array());
    if (first === "echo") {
      for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
        await stream.write(bytes);
      }
    } else {
      for (let left = Number(first); left > 0; left -= BLOCK.length) {
        await stream.write(BLOCK.subarray(0, Math.min(left, BLOCK.length)));
      }
    }
    await stream.end();
    await stream.closed;
  } catch {
    // The client has disconnected.
  }
  stream.close();
}

if (import.meta.main) {
  const [url, id] = Deno.args;
  const registration = new Registration({
    server: new URL(url!),
    id: id!,
    facts: { host: "host", user: "user", os: "linux", shell: "/bin/sh" },
    tls: {},
    log: createLog({ level: "error" }),
    onRegistered: (message) => console.log(`registered ${message.id}`),
    onClient: serve,
  });
  await registration.run(new AbortController().signal);
}
