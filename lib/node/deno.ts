/**
 * What wsproxy and tunnel use of Deno, by the modules of Node 20.19 or newer. Their bundles start
 * with this, so that they run with either.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { errors } from "./errors.ts";
import { stderr, stdin, stdout } from "./stdio.ts";
import { nodeConnect, nodeListen, nodeStartTls } from "./tcp.ts";

const deno = {
  args: process.argv.slice(2),
  build: { os: process.platform === "win32" ? "windows" : process.platform },
  connect: nodeConnect,
  listen: nodeListen,
  startTls: nodeStartTls,
  ...{ stdin, stdout, stderr },
  errors,
  env: {
    get: (name: string) => process.env[name],
    set: (name: string, value: string) => void (process.env[name] = value),
    delete: (name: string) => void delete process.env[name],
    toObject: () => ({ ...process.env }),
  },
  permissions: { querySync: () => ({ state: "granted" }) },
  readTextFileSync: (path: string) => readFileSync(path, "utf8"),
  addSignalListener: (name: NodeJS.Signals, listener: () => void) => process.on(name, listener),
  removeSignalListener: (name: NodeJS.Signals, listener: () => void) => process.off(name, listener),
  exit: (status: number) => process.exit(status),
};

/** Of the language, what Node 20 lacks. */
function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...both) => [resolve, reject] = both);
  return { promise, resolve, reject };
}

function parse(url: string, base?: string): URL | null {
  return URL.canParse(url, base) ? new URL(url, base) : null;
}

if (!("Deno" in globalThis)) Object.assign(globalThis, { Deno: deno });
Object.assign(Promise, { withResolvers: Promise.withResolvers ?? withResolvers });
Object.assign(URL, { parse: URL.parse ?? parse });
