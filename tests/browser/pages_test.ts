/** Every page in a real browser, light and dark, on a phone and a desktop. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { TempDir } from "../support/program.ts";
import {
  agentInfo,
  openBrowser,
  openPage,
  type PageServer,
  SCREENSHOTS,
  startPageServer,
} from "./support.ts";
import { requires } from "../support/requires.ts";

const test = requires("chromium");

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const PAGES: [name: string, path: string][] = [
  ["about", "/"],
  ["usage", "/usage"],
  [
    "usage-filled",
    "/usage?id=.bad&key=nonsense&ci=github-commands&os=powershell&host-key=nonsense",
  ],
  ["guide", "/guide"],
  ["downloads", "/downloads"],
  ["sessions", "/sessions"],
  ["error", "/no-such-page"],
];

interface Violation {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** What an accessibility check finds wrong, as text. */
async function violations(page: Page): Promise<string[]> {
  // The page's own policy lets no script in; a debugger's evaluation is not bound by it.
  await page.evaluate(AXE);
  const found = await page.evaluate("axe.run()") as { violations: Violation[] };
  return found.violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`
  );
}

async function startFilledServer(staticDir: string): Promise<PageServer> {
  const server = await startPageServer({ staticDir, sshPort: 0 });
  server.agents = Array.from(
    { length: 60 },
    (_, i) => agentInfo(`job-${i}`, i % 3 === 0 ? [["shell", "sftp"], ["exec"]] : []),
  );
  server.agents[59]!.connected = false;
  return server;
}

/** A directory as the build leaves it, with one file missing. */
function writeFiles(directory: TempDir): void {
  const names = ["agent", "agent.exe", "wsproxy", "wsproxy.exe", "tunnel", "agent-darwin-arm64"];
  for (const name of names) directory.write(name, name.repeat(3000));
  directory.write("SHA256SUMS", names.map((name) => `${"5e".repeat(32)}  ${name}\n`).join(""));
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const [kind, width, height] of [["phone", 390, 844], ["desktop", 1280, 900]] as const) {
    test({
      name: `each page is accessible and complains of nothing: ${colorScheme}, ${kind}`,
      async fn() {
        await using directory = new TempDir();
        writeFiles(directory);
        await using server = await startFilledServer(directory.path);
        await using browser = await openBrowser();
        for (const [name, path] of PAGES) {
          const options = { viewport: { width, height }, colorScheme };
          await using watched = await openPage(browser, server, options);
          const { page, faults } = watched;
          const response = await page.goto(server.url + path);
          if (name === "sessions") await page.getByText("Live", { exact: true }).waitFor();
          assert.deepEqual(await violations(page), [], name);
          const wide = await page.evaluate("document.documentElement.scrollWidth");
          assert.ok(Number(wide) <= width, `${name} is ${wide} wide, the window ${width}`);
          if (kind === "phone") {
            const cut = await page.locator("pre").evaluateAll((blocks) =>
              blocks.filter((block) => block.scrollWidth > block.clientWidth).length
            );
            assert.equal(cut, 0, `${name}: commands that do not fit`);
          }
          const expected = name === "error" ? [/404/] : [];
          assert.equal(response?.status(), name === "error" ? 404 : 200);
          assert.equal(faults.length, expected.length, `${name}: ${faults.join("; ")}`);
          const file = join(SCREENSHOTS, `${name}-${kind}-${colorScheme}.png`);
          await page.screenshot({ path: file, fullPage: true });
        }
      },
    });
  }
}

test({
  name: "the commands are beside the form, and seen without scrolling on a desktop",
  async fn() {
    await using server = await startFilledServer("nowhere");
    await using browser = await openBrowser();
    const key =
      "ssh-ed25519+AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH+me";
    for (const query of ["", `?ci=github&id=job-42&key=${key}`, "?os=cmd&computer=windows"]) {
      await using watched = await openPage(browser, server, {
        viewport: { width: 1280, height: 800 },
      });
      const { page } = watched;
      await page.goto(`${server.url}/usage${query}`);
      const form = (await page.locator("#usage-form").boundingBox())!;
      const blocks = await page.locator("#commands figure:visible").all();
      assert.equal(blocks.length, 4);
      for (const block of blocks) {
        const { x, y, height } = (await block.boundingBox())!;
        assert.ok(x > form.x + form.width, `${query}: at ${x}, the form ends at ${form.width}`);
        assert.ok(y + height <= 800, `${query}: a block ends at ${y + height}`);
      }
    }
  },
});

test({
  name: "the keyboard alone reaches everything, the skip link first, and its focus can be seen",
  async fn() {
    await using server = await startFilledServer("nowhere");
    await using browser = await openBrowser();
    for (const path of ["/", "/usage", "/sessions"]) {
      await using watched = await openPage(browser, server);
      const { page } = watched;
      await page.goto(server.url + path);
      await page.keyboard.press("Tab");
      assert.equal(await page.locator(":focus").textContent(), "Skip to the content");
      assert.ok(await page.locator(":focus").isVisible());
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate("document.activeElement.id"), "main");
      await page.goto(server.url + path);
      const wanted = await page.locator(
        "a:visible, button:visible, input:visible, select:visible, textarea:visible, " +
          "pre:visible, summary:visible",
      ).count();
      const reached = new Set<string>();
      for (let i = 0; i < wanted + 5; i++) {
        await page.keyboard.press("Tab");
        const seen = await page.evaluate(() => {
          const focused = document.activeElement;
          if (focused === null || focused === document.body) return "";
          const all = [...document.querySelectorAll("*")];
          const { outlineStyle, outlineWidth } = getComputedStyle(focused);
          const scrolls = focused.classList.contains("scroll");
          if (!scrolls && (outlineStyle === "none" || outlineWidth === "0px")) {
            throw new Error(`no outline: ${focused.outerHTML.slice(0, 100)}`);
          }
          return scrolls ? "" : String(all.indexOf(focused));
        });
        if (seen !== "") reached.add(seen);
      }
      assert.equal(reached.size, wanted, path);
    }
  },
});
