/**
 * Agents without SSH, many in one process: fake_agents.ts URL PREFIX COUNT. Their IDs are the
 * prefix with a number, and they send back what their clients send.
 */
import { Registration } from "../../../lib/agent/registration.ts";
import { createLog } from "../../../lib/log/log.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";

async function echo(stream: ByteStream): Promise<void> {
  try {
    for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
      await stream.write(bytes);
    }
    await stream.end();
  } catch {
    // The server was killed.
  }
  stream.close();
}

/** Starts so many agents, five at a time, each when the one before has registered. */
export async function startAgents(url: string, prefix: string, count: number): Promise<void> {
  const log = createLog({ level: "error" });
  let started = 0;
  const next = async () => {
    while (started < count) {
      const registered = Promise.withResolvers<void>();
      const registration = new Registration({
        server: new URL(url),
        id: `${prefix}-${started++}`,
        facts: { host: "host", user: "user", os: "linux", shell: "/bin/sh" },
        tls: {},
        log,
        onRegistered: () => registered.resolve(),
        onClient: echo,
      });
      void registration.run(new AbortController().signal);
      await registered.promise;
    }
  };
  await Promise.all(Array.from({ length: 5 }, next));
}

if (import.meta.main) {
  const [url, prefix, count] = Deno.args;
  await startAgents(url!, prefix!, Number(count));
}
