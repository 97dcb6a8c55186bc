/** The dashboard and the alert rules, against the metrics of a real server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startServerProgram } from "../support/server.ts";
import { pairUp, TestAgent, TestSocket, UpgradeRefused } from "../support/test_socket.ts";
import { operateFile, ROOT } from "./support.ts";

/** What a server with some traffic answers at `/metrics`, a pair being open. */
async function scrape(): Promise<string> {
  await using server = await startServerProgram();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  const nobody = TestSocket.open(`${server.ws}/client/nobody`);
  await assert.rejects(nobody, UpgradeRefused);
  pair.client.send(new Uint8Array(1_000));
  await pair.data.bytes(1_000);
  pair.data.send(new Uint8Array(50_000));
  await pair.client.bytes(50_000);
  return await (await fetch(`${server.url}/metrics`)).text();
}

/** What a node of a cluster answers, whose directory is away. */
async function scrapeNode(): Promise<string> {
  const args = ["--cluster-url", "redis://127.0.0.1:1", "--node-url", "http://127.0.0.1:8000"];
  const env = { CONVERGE_PEER_KEY: "the key of a node that is alone here" };
  await using server = await startServerProgram(args, { env });
  return await (await fetch(`${server.url}/metrics`)).text();
}

let scraped: Promise<string> | undefined;
const metrics = () => scraped ??= scrape();

/** The labels of each name, those of histograms with their endings. */
function labels(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name, list = ""] of text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const names = Array.from(list.matchAll(/(\w+)="/g), ([, label]) => label!);
    found.set(name!, new Set([...found.get(name!) ?? [], ...names]));
  }
  return found;
}

/** Checks the names of an expression, and the labels that it or its legend asks for. */
function check(expression: string, legend: string, found: Map<string, Set<string>>): void {
  const names = expression.match(/\b(converge|process)_\w+/g) ?? [];
  assert.ok(names.length > 0 || expression.startsWith("up{"), expression);
  for (const name of names) assert.ok(found.has(name), `there is no ${name}`);
  const grouped = /\bby \(([^)]*)\)/.exec(expression)?.[1]?.split(/,\s*/) ?? [];
  const matched = Array.from(expression.matchAll(/(\w+)=~?"/g), ([, label]) => label!);
  const shown = Array.from(legend.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label!);
  for (const label of [...grouped, ...matched, ...shown]) {
    const known = ["job", "instance"].includes(label) ||
      names.some((name) => found.get(name)!.has(label));
    assert.ok(known, `${expression} has no label ${label}`);
  }
}

Deno.test("relayed bytes are counted while the pair is open", async () => {
  const text = await metrics();
  assert.match(text, /^converge_relayed_bytes_total\{direction="to_agent"\} 1000$/m);
  assert.match(text, /^converge_relayed_bytes_total\{direction="to_client"\} 50000$/m);
  assert.match(text, /^converge_pairs 1$/m);
  assert.match(text, /^converge_refusals_total\{who="client",reason="unknown-id"\} 1$/m);
});

Deno.test("the dashboard asks for metrics that the server has", async () => {
  const found = labels(await metrics());
  const { panels } = JSON.parse(operateFile("grafana.json"));
  assert.ok(panels.length > 10);
  for (const { targets } of panels) {
    for (const { expr, legendFormat = "" } of targets) check(expr, legendFormat, found);
  }
});

Deno.test("the alert rules ask for metrics that the server has", async () => {
  const found = new Map([...labels(await scrapeNode()), ...labels(await metrics())]);
  const expressions = Array.from(operateFile("alerts.yml").matchAll(/^ +expr: (.+)$/gm));
  assert.ok(expressions.length > 5);
  for (const [, expression] of expressions) check(expression!, "", found);
});

requires("promtool")({
  name: "promtool finds no fault with the alert rules and the metrics",
  fn: async () => {
    await using dir = new TempDir();
    const input = await metrics();
    const rules = ["check", "rules", join(ROOT, "docs", "operate", "alerts.yml")];
    for (const args of [rules, ["check", "metrics"]]) {
      const { code, stdout, stderr } = await run("promtool", args, { cwd: dir.path, input });
      assert.equal(code, 0, stdout + stderr);
      // Advice on style comes with status 0 from some versions.
      if (args !== rules) assert.equal(stdout + stderr, "");
    }
  },
});
