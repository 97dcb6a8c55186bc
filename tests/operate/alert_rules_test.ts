/**
 * The alert rules of docs/operate in Prometheus' own test of rules: each fires, and none for
 * nothing.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { run, TempDir } from "../support/program.ts";
import { operateFile, ROOT } from "./support.ts";
import { requires } from "../support/requires.ts";

/** The metrics of a server that is well, a value a minute in promtool's notation. */
const WELL = {
  "up": "1x60",
  "process_start_time_seconds": "1000x60",
  'converge_refusals_total{who="agent",reason="too-many-agents"}': "0x60",
  'converge_refusals_total{who="agent",reason="wrong-token"}': "0+1x60",
  "converge_agents_lost_total": "0+1x60",
  'converge_agents{state="connected"}': "40x60",
  'converge_agents{state="away"}': "2x60",
  'converge_pairs_ended_total{reason="too-slow"}': "0x60",
  "converge_buffered_bytes": "100x60",
  "converge_buffered_limit_bytes": "1000x60",
  "process_cpu_user_seconds_total": "0+30x60",
  "process_cpu_system_seconds_total": "0+10x60",
  "process_open_fds": "100x60",
  "converge_directory_connected": "1x60",
  'converge_refusals_total{who="client",reason="node-away"}': "0x60",
  "process_max_fds": "65536x60",
};

/** What is different where an alert fires, and the labels of the alert beside its instance. */
const ILL: Record<string, { metrics: Partial<typeof WELL>; labels: string[] }> = {
  ConvergeDown: { metrics: { up: "0x60" }, labels: ["job", "zone"] },
  ConvergeRestarts: {
    metrics: { process_start_time_seconds: "1x35 2x5 3x5 4x20" },
    labels: ["job", "zone"],
  },
  ConvergeFull: {
    // Already the first one counts.
    metrics: { 'converge_refusals_total{who="agent",reason="too-many-agents"}': "0x55 1x10" },
    labels: ["reason=too-many-agents"],
  },
  ConvergeIntruders: {
    metrics: { 'converge_refusals_total{who="agent",reason="wrong-token"}': "0+20x60" },
    labels: ["reason=wrong-token"],
  },
  ConvergeLosesAgents: { metrics: { converge_agents_lost_total: "0+5x60" }, labels: ["job"] },
  ConvergeCutsPairs: {
    metrics: { 'converge_pairs_ended_total{reason="too-slow"}': "0+1x60" },
    labels: [],
  },
  ConvergeBuffersFull: {
    metrics: { converge_buffered_bytes: "900x60" },
    labels: ["job", "zone"],
  },
  ConvergeBusy: {
    metrics: { process_cpu_user_seconds_total: "0+50x60" },
    labels: ["job", "zone"],
  },
  ConvergeFileDescriptors: { metrics: { process_open_fds: "60000x60" }, labels: ["job", "zone"] },
  ConvergeDirectoryAway: {
    metrics: { converge_directory_connected: "0x60" },
    labels: ["job", "zone"],
  },
  ConvergeNodeAway: {
    metrics: { 'converge_refusals_total{who="client",reason="node-away"}': "0x50 1x10" },
    labels: [],
  },
};

/** Each server's metrics have a label of the target's own besides those of Prometheus. */
const TARGET = { job: "converge", instance: "ci:443", zone: "a" };

interface Rule {
  alert: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const RULES: Rule[] = parse(operateFile("alerts.yml")).groups[0].rules;

/** One test of promtool: after an hour of `metrics` of all rules just the one of `firing` fires. */
function ruleTest(metrics: Record<string, string>, firing?: Rule, labels: string[] = []): unknown {
  const target = Object.entries(TARGET).map(([name, value]) => `${name}="${value}"`).join(",");
  const series = Object.entries(metrics).map(([name, values]) => ({
    series: name.includes("{") ? name.replace("}", `,${target}}`) : `${name}{${target}}`,
    values,
  }));
  const shown = Object.fromEntries(["instance", ...labels].map((label) => {
    const [name = "", value = TARGET[name as keyof typeof TARGET]] = label.split("=");
    return [name, value];
  }));
  const alerts = (rule: Rule) => [{
    exp_labels: { ...shown, ...rule.labels },
    exp_annotations: {
      summary: rule.annotations.summary!.replaceAll(
        /\{\{ \$labels\.(\w+) \}\}/g,
        (_, name) => shown[name]!,
      ),
    },
  }];
  return {
    interval: "1m",
    input_series: series,
    alert_rule_test: RULES.map((rule) => ({
      eval_time: "1h",
      alertname: rule.alert,
      exp_alerts: rule === firing ? alerts(rule) : [],
    })),
  };
}

requires("promtool")({
  name: "each alert fires when its metrics say so, no other with it, and none when all is well",
  fn: async () => {
    await using dir = new TempDir();
    assert.deepEqual(Object.keys(ILL), RULES.map(({ alert }) => alert));
    const file = dir.write(
      "tests.json",
      JSON.stringify({
        rule_files: [join(ROOT, "docs", "operate", "alerts.yml")],
        evaluation_interval: "1m",
        tests: [
          ruleTest(WELL),
          ...RULES.map((rule) => {
            const { metrics, labels } = ILL[rule.alert]!;
            return ruleTest({ ...WELL, ...metrics }, rule, labels);
          }),
        ],
      }),
    );
    const { code, stdout, stderr } = await run("promtool", ["test", "rules", file]);
    assert.equal(code, 0, stdout + stderr);
  },
});
