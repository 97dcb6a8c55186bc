/** Deno's own OpenTelemetry, as docs/operate says that it is used. */
import assert from "node:assert/strict";
import { inTime } from "../support/deadline.ts";
import { startServerProgram } from "../support/server.ts";
import { TestAgent } from "../support/test_socket.ts";
import { operateFile } from "./support.ts";

/** What is read of a request to a collector. */
interface Exported {
  resourceSpans?: { scopeSpans: { spans: Span[] }[] }[];
  resourceMetrics?: { scopeMetrics: { metrics: { name: string }[] }[] }[];
}

interface Span {
  name: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: string } }[];
}

/** A collector that keeps the names of what it is sent. */
class Collector implements AsyncDisposable {
  readonly paths = new Set<string>();
  readonly urls = new Map<string, string>();
  readonly metrics = new Set<string>();
  #changed = Promise.withResolvers<void>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      this.paths.add(new URL(request.url).pathname);
      this.#read(await request.json());
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
      return Response.json({});
    },
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Waits for a metric whose name begins so. */
  async metric(name: string): Promise<void> {
    while (![...this.metrics].some((found) => found.startsWith(name))) await this.#changed.promise;
  }

  #read({ resourceSpans = [], resourceMetrics = [] }: Exported): void {
    for (const { spans } of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)) {
      for (const { attributes } of spans) {
        const of = (key: string) => attributes.find((found) => found.key === key)?.value;
        const status = of("http.response.status_code");
        this.urls.set(of("url.full")?.stringValue ?? "", String(Object.values(status ?? {})[0]));
      }
    }
    for (const { metrics } of resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)) {
      for (const { name } of metrics) this.metrics.add(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("the server's traces and metrics reach an OpenTelemetry collector", async () => {
  const guide = operateFile("README.md");
  await using collector = new Collector();
  const env: Record<string, string> = {
    OTEL_DENO: "true",
    OTEL_SERVICE_NAME: "converge",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  };
  for (const name of Object.keys(env)) assert.ok(guide.includes(name), name);
  // In milliseconds.
  env.OTEL_METRIC_EXPORT_INTERVAL = "100";
  await using server = await startServerProgram([], { env });
  await (await fetch(`${server.url}/usage?id=traced`)).text();
  {
    await using _agent = await TestAgent.register(server.ws, "traced");
  }
  const section = guide.slice(guide.indexOf("**OpenTelemetry**"));
  const names = Array.from(
    section.matchAll(/`((?:http|v8js)\.[a-z._]+)\*?`/g),
    ([, name]) => name!,
  );
  assert.ok(names.length >= 6);
  for (const name of names) {
    // Only some garbage makes a collection.
    if (name === "v8js.gc.duration") continue;
    await inTime(collector.metric(name), () => `no metric ${name}`);
  }
  // What is left is sent at the end.
  server.program.kill("SIGTERM");
  assert.equal((await server.program.result()).code, 0);
  assert.equal(collector.urls.get(`${server.url}/usage?id=traced`), "200");
  assert.equal(collector.urls.get(`${server.url}/agent/traced`), "101");
  assert.ok(!collector.paths.has("/v1/logs"), "logs go to stderr alone");
});
