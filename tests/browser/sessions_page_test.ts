/** The sessions page in a real browser, with agents that come and go. */
import assert from "node:assert/strict";
import { startEntry, TempDir } from "../support/program.ts";
import { agentInfo, openBrowser, openPage, startPageServer } from "./support.ts";
import { requires } from "../support/requires.ts";

const test = requires("chromium");

const httpCredentials = { username: "admin", password: "secret" };

test({
  name: "the sessions page shows agents coming and going, without a reload",
  async fn() {
    await using server = await startPageServer();
    await using browser = await openBrowser();
    await using watched = await openPage(browser, server);
    const { page, faults } = watched;
    await page.goto(`${server.url}/sessions`);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByText("No agent is connected.").waitFor();
    {
      await using directory = new TempDir();
      await using agent = startEntry("agent.ts", ["--id", "come-and-go", server.url], {
        cwd: directory.path,
      });
      await page.getByRole("cell", { name: "come…" }).waitFor();
      await page.getByText("1 agent, 0 clients", { exact: true }).waitFor();
      agent.kill("SIGTERM");
      await agent.result();
    }
    await page.getByText("0 agents, 0 clients", { exact: true }).waitFor();
    await page.getByText("No agent is connected.").waitFor();
    assert.deepEqual(faults, []);
  },
});

test({
  name: "the sessions page shows markup in an agent's facts as text",
  async fn() {
    await using server = await startPageServer({ adminPassword: httpCredentials.password });
    await using browser = await openBrowser();
    const evil = '<img src=x onerror=alert(1)>"&';
    for (const javaScriptEnabled of [true, false]) {
      await using watched = await openPage(browser, server, { httpCredentials, javaScriptEnabled });
      const { page, faults } = watched;
      const agent = agentInfo("evil", [[evil]]);
      agent.facts = { host: evil, user: evil, os: evil, shell: evil };
      server.agents = [agent];
      await page.goto(`${server.url}/sessions?search=${encodeURIComponent(evil)}`);
      if (javaScriptEnabled) await page.getByText("Live", { exact: true }).waitFor();
      assert.equal(await page.locator("tbody td", { hasText: evil }).count(), 4);
      assert.equal(await page.locator("img").count(), 0);
      assert.equal(await page.getByLabel("Search").inputValue(), evil);
      assert.ok(await page.getByText("192.0.2.1", { exact: true }).isVisible());
      // The browser asks without the password first.
      assert.deepEqual(faults.filter((fault) => !/401/.test(fault)), []);
    }
  },
});

test({
  name: "the sessions page keeps long names in their columns, and shows no empty table",
  async fn() {
    await using server = await startPageServer({ adminPassword: httpCredentials.password });
    await using browser = await openBrowser();
    await using watched = await openPage(browser, server, { httpCredentials });
    const { page } = watched;
    const agent = agentInfo("i".repeat(64), [["s".repeat(100)]]);
    const long = "h".repeat(100);
    agent.facts = { host: long, user: long, os: long, shell: long };
    server.agents = [agent];
    for (const [width, widest] of [[1280, 250], [390, 330]] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`${server.url}/sessions`);
      await page.getByText("Live", { exact: true }).waitFor();
      const widths = await page.locator("td span").evaluateAll((spans) =>
        spans.map((span) => span.scrollWidth)
      );
      assert.ok(Math.max(...widths) <= widest, `${widths}`);
    }
    await page.goto(`${server.url}/sessions?search=nobody`);
    await page.getByText("No agent matches.").waitFor();
    assert.ok(await page.getByRole("table").isHidden());
    await page.getByRole("link", { name: "Show all agents" }).click();
    await page.getByRole("table").waitFor();
    assert.ok(await page.getByText(/^Page 1/).isHidden(), "there is but one");
  },
});

test({
  name: "the sessions page copies the ssh command of an agent, and keeps the focus there",
  async fn() {
    await using server = await startPageServer({ adminPassword: httpCredentials.password });
    await using browser = await openBrowser();
    await using watched = await openPage(browser, server, { httpCredentials });
    const { page } = watched;
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    server.agents = [agentInfo("job-1"), agentInfo("job-2")];
    await page.goto(`${server.url}/sessions`);
    const button = page.getByRole("button", { name: "Copy ssh: job-2" });
    await button.click();
    await page.getByText("Copied", { exact: true }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.startsWith("ssh ") && copied.includes(`${server.ws}/client/job-2"`), copied);
    server.agents = [agentInfo("job-2"), agentInfo("job-3")];
    await page.getByRole("button", { name: "Copy ssh: job-3" }).waitFor();
    assert.ok(await button.evaluate((element) => element === document.activeElement));
  },
});

test({
  name: "the sessions page finds, sorts and pages 2,000 agents with and without scripts",
  async fn() {
    await using server = await startPageServer({ adminPassword: httpCredentials.password });
    server.agents = Array.from({ length: 2000 }, (_, i) => agentInfo(`job-${1000 + i}`));
    await using browser = await openBrowser();
    for (const javaScriptEnabled of [true, false]) {
      await using watched = await openPage(browser, server, { httpCredentials, javaScriptEnabled });
      const { page } = watched;
      const first = page.locator("tbody tr").first();
      await page.goto(`${server.url}/sessions`);
      assert.equal(await page.locator("tbody tr").count(), 50);
      await page.getByRole("link", { name: "Host" }).click();
      await page.waitForURL(/sort=host/);
      await page.getByRole("link", { name: "Host" }).click();
      await page.waitForURL(/descending=1/);
      assert.match(await first.innerText(), /job-2999/);
      await page.getByRole("link", { name: "Next" }).click();
      await page.getByText("Page 2 of 40").waitFor();
      assert.match(await first.innerText(), /job-2949/);
      await page.getByLabel("Search").fill("job-150");
      await page.getByLabel("Search").press("Enter");
      await page.getByText("2000 agents, 0 clients; 10 found").waitFor();
      assert.match(await first.innerText(), /job-1509/);
      if (javaScriptEnabled) await page.getByText("Live", { exact: true }).waitFor();
      assert.equal(await page.locator("tbody tr").count(), 10);
    }
  },
});

test({
  name: "the sessions page comes back by itself when the server was away",
  async fn() {
    await using browser = await openBrowser();
    let port = 0;
    const stack = new AsyncDisposableStack();
    try {
      const before = await startPageServer();
      port = before.port;
      stack.use(before);
      before.agents = [agentInfo("before-1")];
      const watched = stack.use(await openPage(browser, before));
      await watched.page.goto(`${before.url}/sessions`);
      await watched.page.getByText("Live", { exact: true }).waitFor();
      await before[Symbol.asyncDispose]();
      await watched.page.getByText("Connection lost. Reconnecting").waitFor();
      const after = stack.use(await startPageServer({ port }));
      after.agents = [agentInfo("before-1"), agentInfo("after-it")];
      await watched.page.getByText("Live", { exact: true }).waitFor();
      await watched.page.getByRole("cell", { name: "aft…" }).waitFor();
    } finally {
      await stack.disposeAsync();
    }
  },
});
