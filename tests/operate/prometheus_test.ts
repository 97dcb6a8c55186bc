/** A real Prometheus with the guide's configuration, the alert rules, and the dashboard's queries. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { eventually } from "../support/deadline.ts";
import { Program, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startServerProgram } from "../support/server.ts";
import { pairUp, TestAgent } from "../support/test_socket.ts";
import { freePort, operateFile, ROOT } from "./support.ts";

/** The answer of Prometheus' API to a query. */
interface Answer {
  status: string;
  error?: string;
  data: { result: unknown[] };
}

/** What has no value while nothing went wrong, or with no descriptors to count. */
const EMPTY = /refusals|_fds/;

requires("prometheus")(
  "Prometheus takes the guide's configuration and rules, and answers the dashboard's queries",
  async () => {
    await using dir = new TempDir();
    const password = dir.write("password", "sesame");
    await using server = await startServerProgram(["--admin-password-file", password]);
    await using agent = await TestAgent.register(server.ws, "job");
    await using _pair = await pairUp(agent);
    const [, yaml] = /```yaml\n(scrape_configs:[^`]*)```/.exec(operateFile("README.md"))!;
    const config = parse(yaml!);
    const [scrape] = config.scrape_configs;
    assert.equal(scrape.basic_auth.username, "admin");
    Object.assign(scrape, {
      scheme: "http",
      static_configs: [{ targets: [`127.0.0.1:${server.port}`] }],
      scrape_interval: "1s",
    });
    scrape.basic_auth.password_file = password;
    config.rule_files = [join(ROOT, "docs/operate/alerts.yml")];
    const listen = `127.0.0.1:${freePort()}`;
    const args = [
      ...["--config.file", dir.write("prometheus.yml", stringify(config))],
      ...["--storage.tsdb.path", join(dir.path, "data"), "--web.listen-address", listen],
    ];
    await using prometheus = new Program("prometheus", args);
    await prometheus.waitFor(/ready to receive web requests/);
    const get = async (path: string): Promise<Answer> =>
      await (await fetch(`http://${listen}/api/v1/${path}`)).json();
    const query = async (expression: string) => {
      const answer = await get(`query?query=${encodeURIComponent(expression)}`);
      assert.equal(answer.status, "success", `${expression}: ${answer.error}`);
      return answer.data.result;
    };
    // Rates need two scrapes.
    const scrapes = 'count_over_time(up{job="converge"}[1m]) >= 3 and up == 1';
    await eventually(async () => (await query(scrapes)).length === 1, () => prometheus.stderr);
    const rules = await (await fetch(`http://${listen}/api/v1/rules`)).json();
    assert.ok(rules.data.groups[0].rules.length > 5);

    const { panels, templating } = JSON.parse(operateFile("grafana.json"));
    const [, variable] = templating.list;
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(variable.query)!;
    const values = await get(`label/${label}/values?match[]=${metric}`) as unknown as {
      data: string[];
    };
    assert.deepEqual(values.data, ["converge"]);
    for (const { targets } of panels) {
      for (const { expr } of targets as { expr: string }[]) {
        const filled = expr.replaceAll("$job", "converge").replaceAll("$__rate_interval", "1m");
        const result = await query(filled);
        assert.ok(result.length > 0 || EMPTY.test(expr), `nothing for ${filled}`);
      }
    }
  },
);
