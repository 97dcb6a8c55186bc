/** The form of the usage page, in a real browser with and without scripts. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { openBrowser, openPage, startPageServer } from "./support.ts";
import { requires } from "../support/requires.ts";

const test = requires("chromium");

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
const NASTY = `${KEY} it's <b>"me"</b> \${{ secrets.X }} $(id) \\n %PATH%`;
const FENCE = "-----";
const PRIVATE_KEY = `${FENCE}BEGIN OPENSSH PRIVATE KEY${FENCE}\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n`;

/** All commands that the form wrote, each with its title. */
async function commands(page: Page): Promise<[title: string, text: string][]> {
  const blocks = await page.locator("#commands figure").all();
  return await Promise.all(blocks.map(async (figure) => [
    await figure.locator("figcaption").textContent() ?? "",
    await figure.locator("code").textContent() ?? "",
  ]));
}

test({
  name: "the form writes the commands while it is filled in, and sends nothing",
  async fn() {
    await using server = await startPageServer();
    await using browser = await openBrowser();
    await using watched = await openPage(browser, server);
    const { page, faults } = watched;
    await page.goto(`${server.url}/usage`);
    const requests: string[] = [];
    page.on("request", (request) => {
      if (!request.url().endsWith("/icon.svg")) requests.push(request.url());
    });

    await page.getByLabel("Public keys").fill(`# mine\n${NASTY}\n${KEY} two\n`);
    await page.getByText("2 keys.", { exact: true }).waitFor();
    await page.getByLabel("Rendez-vous ID").fill("job-1");
    await page.getByLabel("CI system").selectOption("github-commands");
    await page.getByLabel("The job's system").selectOption("Windows, PowerShell");
    const [first, ...local] = await commands(page);
    const [title, job] = first!;
    assert.equal(title, "GitHub Actions: the last step of the job");
    assert.match(job, /shell: pwsh/);
    assert.ok(job.includes("'ssh-ed25519 ") && job.includes("it''s <b>\"me\"</b>"));
    assert.match(job, /\.\\agent --id job-1 ws:/);
    assert.ok(local.some(([, text]) => text === `tunnel 10000 ${server.ws}/client/job-1`));

    const system = page.getByLabel("The job's system");
    await system.selectOption("Windows, cmd");
    assert.match((await commands(page))[0]![1], /> \.authorized_keys echo ssh-ed25519/);
    await system.selectOption("Linux or macOS");
    assert.match((await commands(page))[0]![1], /shell: bash/);
    await page.getByLabel("CI system").selectOption("GitLab CI");
    assert.ok(await system.locator("option[value=cmd]").isDisabled());
    await page.getByLabel("CI system").selectOption("GitHub Actions");
    assert.match((await commands(page))[0]![1], /^- uses: OWNER\/converge@main\n/);
    await page.getByLabel("CI system").selectOption("Plain commands");

    assert.ok(await page.getByText("by the tunnel").first().isHidden());
    await page.getByText("Other ways:").click();
    assert.ok(await page.getByText("A shell, by the tunnel").isVisible());
    await page.getByText("A host key that lasts").click();
    await page.getByLabel("Public half of the host key").fill(KEY);
    assert.ok(await page.getByText("A shell, by the tunnel").isVisible(), "it stays open");
    assert.ok((await commands(page)).every(([, text]) => !/\/dev\/null/.test(text)));

    await page.getByLabel("Rendez-vous ID").fill("not an ID");
    await page.getByText("Invalid ID.").waitFor();
    await page.getByRole("button", { name: "Generate" }).click();
    const id = await page.getByLabel("Rendez-vous ID").inputValue();
    assert.match(id, /^[a-z2-9]{16}$/);
    assert.ok((await commands(page))[0]![1].includes(`--id ${id} `));
    await page.getByLabel("Rendez-vous ID").press("Enter");
    assert.equal(await page.getByLabel("Rendez-vous ID").inputValue(), id);
    assert.deepEqual(requests, []);
    assert.deepEqual(faults, []);
  },
});

test({
  name: "the form refuses a private key: it is neither kept, nor shown, nor sent",
  async fn() {
    await using server = await startPageServer();
    await using browser = await openBrowser();
    for (const javaScriptEnabled of [true, false]) {
      await using watched = await openPage(browser, server, { javaScriptEnabled });
      const { page } = watched;
      await page.goto(`${server.url}/usage`);
      const requests: string[] = [];
      page.on("request", (request) => {
        if (!request.url().endsWith("/icon.svg")) requests.push(request.url());
      });
      if (javaScriptEnabled) {
        await page.getByLabel("Public keys").fill(`${KEY}\n${PRIVATE_KEY}`);
        await page.getByText("This is a private key").waitFor();
        assert.equal(await page.getByLabel("Public keys").inputValue(), "");
        assert.doesNotMatch(await page.content(), /b3BlbnNzaC1/);
        await page.getByLabel("CI system").selectOption("GitHub Actions");
        await page.getByText("This is a private key").waitFor();
        const memory = await page.evaluate("JSON.stringify(localStorage)");
        assert.doesNotMatch(String(memory), /b3BlbnNzaC1|PRIVATE/);
      } else {
        await page.getByLabel("Public key 1").fill(PRIVATE_KEY.replaceAll("\n", ""));
        await page.getByRole("button", { name: "Write the commands" }).click();
        assert.ok(await page.locator("#key-0:invalid").count() === 1);
      }
      assert.deepEqual(requests, []);
    }
  },
});

test({
  name: "the form remembers in the browser alone, until it is cleared",
  async fn() {
    await using server = await startPageServer();
    await using browser = await openBrowser();
    await using watched = await openPage(browser, server);
    const { page } = watched;
    await page.goto(`${server.url}/usage`);
    await page.getByLabel("Public keys").fill(`${NASTY}\nhalf a key`);
    await page.getByLabel("CI system").selectOption("Jenkins");
    await page.getByLabel("Rendez-vous ID").fill("job-7");
    const before = await commands(page);
    await page.reload();
    assert.equal(await page.getByLabel("Public keys").inputValue(), NASTY);
    assert.deepEqual(await commands(page), before);
    assert.deepEqual(await page.context().cookies(), []);
    await page.getByRole("button", { name: "Clear the form" }).click();
    assert.equal(await page.evaluate("localStorage.length"), 0);
    await page.reload();
    assert.equal(await page.getByLabel("Public keys").inputValue(), "");
    assert.equal(await page.getByLabel("CI system").inputValue(), "plain");
  },
});

test({
  name: "without scripts the same form gives the same commands by GET",
  async fn() {
    await using server = await startPageServer();
    await using browser = await openBrowser();
    const written: [string, string][][] = [];
    for (const javaScriptEnabled of [true, false]) {
      await using watched = await openPage(browser, server, { javaScriptEnabled });
      const { page, faults } = watched;
      await page.goto(`${server.url}/usage`);
      if (javaScriptEnabled) await page.getByLabel("Public keys").fill(`${NASTY}\n${KEY}`);
      else {
        await page.getByLabel("Public key 1").fill(NASTY);
        await page.getByLabel("Public key 2").fill(KEY);
        await page.getByRole("button", { name: "Generate" }).click();
        assert.match(await page.getByLabel("Rendez-vous ID").inputValue(), /^[a-z2-9]{16}$/);
        assert.equal(await page.getByLabel("Public key 1").inputValue(), NASTY);
      }
      await page.getByLabel("CI system").selectOption("Azure Pipelines");
      await page.getByLabel("Rendez-vous ID").fill("job-2");
      if (!javaScriptEnabled) await page.getByLabel("Rendez-vous ID").press("Enter");
      await page.locator("#commands").getByText("ssh job-2.converge").waitFor();
      written.push(await commands(page));
      assert.deepEqual(faults, []);
    }
    assert.deepEqual(written[1], written[0]);
  },
});

test({
  name: "the copy buttons copy, also where the page comes by plain http, and say so",
  async fn() {
    await using server = await startPageServer();
    await using browser = await openBrowser();
    for (const secure of [true, false]) {
      const permissions = ["clipboard-read", "clipboard-write"];
      await using watched = await openPage(browser, server, { permissions });
      const { page, faults } = watched;
      if (!secure) {
        await page.addInitScript("delete Navigator.prototype.clipboard");
      }
      await page.goto(`${server.url}/usage`);
      const [title, text] = (await commands(page))[0]!;
      await page.getByRole("button", { name: `Copy: ${title}`, exact: true }).click();
      await page.getByText(`Copied: ${title}`).waitFor();
      await page.getByLabel("Rendez-vous ID").fill("");
      await page.getByLabel("Rendez-vous ID").press("Control+v");
      const pasted = await page.getByLabel("Rendez-vous ID").inputValue();
      // This field takes one line of 64 characters.
      assert.equal(pasted, text.replaceAll("\n", " ").slice(0, 64));
      assert.deepEqual(faults, []);
    }
  },
});
