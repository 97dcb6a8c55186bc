/** Starts the real server for tests, in this process or as one of its own, on a free port. */
import { createLog } from "../../lib/log/log.ts";
import type { ServerOptions } from "../../lib/cli/server_options.ts";
import { type RunningServer, startServer } from "../../lib/server/server.ts";
import { type ServerDependencies } from "../../lib/server/rendezvous_server.ts";
import { type Program, type ProgramOptions, startEntry } from "./program.ts";

/** What a server is started with, unless a test says otherwise. */
export const TEST_OPTIONS: ServerOptions = {
  port: 0,
  host: "127.0.0.1",
  basePath: "",
  username: "converge",
  trustProxy: false,
  staticDir: "dist",
  maxAgents: 100,
  maxClientsPerAgent: 32,
  maxClientsPerAddress: 24,
  maxConnectionsPerMinute: 3_000,
  maxRegistrationsPerMinute: 1_000,
  maxBuffer: 2 ** 24,
  drain: 0,
  logFormat: "json",
  logLevel: "debug",
};

/** A server in this process. */
export interface TestServer extends RunningServer {
  /** The same for websockets. */
  readonly ws: string;
  /** Each line it logged so far. */
  readonly lines: Record<string, unknown>[];
  /** Waits until it has logged `event`, with the fields of `fields`. */
  logged(event: string, fields?: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** Starts a server in this process. */
export async function startTestServer(
  options: Partial<ServerOptions> = {},
  dependencies: Partial<ServerDependencies> = {},
): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  let changed = Promise.withResolvers<void>();
  const log = createLog({
    format: "json",
    level: "debug",
    write: (line) => {
      lines.push(JSON.parse(line));
      changed.resolve();
      changed = Promise.withResolvers();
    },
  });
  const server = await startServer({ ...TEST_OPTIONS, ...options }, { log, ...dependencies });
  return {
    ...server,
    ws: server.url.replace(/^http/, "ws"),
    lines,
    async logged(event, fields = {}) {
      for (;;) {
        const next = changed.promise;
        const found = lines.find((line) =>
          line.event === event &&
          Object.entries(fields).every(([name, value]) => line[name] === value)
        );
        if (found) return found;
        await next;
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A server that is a process of its own. */
export interface ServerProgram {
  program: Program;
  /** `http://127.0.0.1:PORT` with the base path. */
  url: string;
  /** The same for websockets. */
  ws: string;
  port: number;
}

/**
 * Starts `server.ts` and waits until it listens.
 *
 * @param args besides `--host`, `--log-format` and `--port`, which defaults to a free one
 */
export async function startServerProgram(
  args: string[] = [],
  options?: ProgramOptions,
): Promise<ServerProgram & AsyncDisposable> {
  const program = startEntry(
    "server.ts",
    ["--host", "127.0.0.1", "--port", "0", "--log-format", "json", ...args],
    options,
  );
  try {
    const [line] = await program.waitFor(/^.*"event":"listening".*$/m);
    const { url, port } = JSON.parse(line);
    return {
      ...{ program, url, port, ws: url.replace(/^http/, "ws") },
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}
