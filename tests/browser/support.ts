/** A server with the pages, and a headless Chromium to look at them with. */
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { JumpHost } from "../../lib/jump/jump_host.ts";
import { createLog } from "../../lib/log/log.ts";
import { AdminLock } from "../../lib/server/http/admin_lock.ts";
import { ASSETS_DIR } from "../../lib/server/pages/assets_dir.ts";
import { createPages } from "../../lib/server/pages/pages.ts";
import type { AgentInfo } from "../../lib/server/rendezvous/types.ts";
import { SessionsFeed } from "../../lib/server/pages/sessions_feed.ts";
import { serveStatic } from "../../lib/server/http/static_files.ts";
import type { ServerOptions } from "../../lib/cli/server_options.ts";
import { PATIENCE_MS } from "../support/deadline.ts";
import { generateHostKey } from "../../lib/ssh/keys/host_key.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { ROOT } from "../support/root.ts";

/** Where screenshots go, to be looked at. */
export const SCREENSHOTS = join(ROOT, ".build/screenshots");

const CHROMIUM = "/usr/bin/chromium";

/** Starts a browser; it ends when disposed of. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    timeout: PATIENCE_MS,
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
}

/** A page that is watched: what it logs as an error, and what it asks for elsewhere. */
export interface WatchedPage extends AsyncDisposable {
  page: Page;
  /** Fills up with what must not happen. */
  faults: string[];
}

/** Opens an empty page in a browser profile of its own. */
export async function openPage(
  browser: Browser,
  server: PageServer,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${server.url}/`)) faults.push(`asks for ${request.url()}`);
  });
  return { page, faults, [Symbol.asyncDispose]: () => context.close() };
}

/** A server below `/relay` with all pages, a jump host if asked; it ends when disposed of. */
export interface PageServer extends TestServer {
  /** What the sessions page shows in place of what is connected, if a test sets it. */
  agents: AgentInfo[] | undefined;
}

export async function startPageServer(options: Partial<ServerOptions> = {}): Promise<PageServer> {
  const { staticDir = "nowhere", adminPassword } = options;
  const lock = new AdminLock(adminPassword);
  const sessions = new SessionsFeed({
    snapshot: () => server.agents ?? server.snapshot(),
    open: lock.open,
    intervalMs: 50,
  });
  const metrics = () => Promise.resolve(new Response());
  let jump: JumpHost | undefined = undefined;
  const pages = createPages({ staticDir, sessions, metrics, lock, jump: () => jump });
  const started = await startTestServer({ basePath: "/relay", ...options }, {
    pages,
    staticFiles: (request, name) => serveStatic(request, name, { dirs: [staticDir, ASSETS_DIR] }),
  });
  const { host = "127.0.0.1", sshPort } = options;
  if (sshPort !== undefined) {
    jump = new JumpHost(
      { host, port: sshPort, hostKey: generateHostKey() },
      {
        log: createLog({ write: () => {} }),
        admitAddress: (address) => started.admitAddress(address),
        openClient: (request, open) => started.openClient(request, open),
      },
    );
  }
  const server: PageServer = {
    ...started,
    agents: undefined,
    async [Symbol.asyncDispose]() {
      await jump?.[Symbol.asyncDispose]();
      sessions[Symbol.dispose]();
      await started[Symbol.asyncDispose]();
    },
  };
  return server;
}

/** An agent as the rendez-vous describes it, with as many clients as `sessions` has entries. */
export function agentInfo(id: string, sessions: string[][] = []): AgentInfo {
  const now = Date.now();
  return {
    id,
    address: "192.0.2.1",
    version: "1.2.3",
    facts: { host: `host-of-${id}`, user: "runner", os: "linux x86_64", shell: "/bin/bash" },
    since: now - 754_000,
    connected: true,
    parked: 1,
    status: {
      activity: now - 42_000,
      deadline: now + 541_000,
      clients: sessions.map((kinds, key) => ({ key, sessions: kinds })),
    },
    clients: sessions.map((_, key) => ({
      key,
      address: "192.0.2.2",
      since: now - 300_000,
      toAgent: 12_345,
      toClient: 6_789_000,
      buffered: 0,
      resumable: false,
    })),
  };
}
