/** Who may import whom; docs/how-it-works.md says why. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dirname!, "..");
const ENTRIES = ["server.ts", "agent.ts", "wsproxy.ts", "tunnel.ts"];

/** The layers from the lowest on; the first pattern that fits a file is its layer. */
const LAYERS: [layer: number, pattern: RegExp][] = [
  [1, /^lib\/(cli\/|licenses\.ts|version\.ts|wire\/(names|protocol)\.ts)|^templates\//],
  [2, /^lib\/wire\//],
  [3, /^lib\/(process|ssh)\/|^lib\/server\/rendezvous/],
  [4, /^lib\/(server|agent|client|build)\//],
  [5, /^[a-z_]+\.ts$/],
];

function layer(file: string): number {
  const found = LAYERS.find(([, pattern]) => pattern.test(file));
  assert.ok(found, `${file} is in no layer`);
  return found[0];
}

/** The folder below lib, which for the upper layers is the role. */
function role(file: string): string {
  return file.split("/")[1] ?? "";
}

/** The paths of all source files from the root. */
function sources(): string[] {
  const files = ["lib", "templates"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
  ).concat(readdirSync(ROOT));
  return files.filter((file) => /\.(ts|tsx|js)$/.test(file));
}

/** What each source file imports: paths from the root for our own files, else the specifier. */
const imports = new Map(
  sources().map((file) => {
    const source = readFileSync(join(ROOT, file), "utf8");
    const found = source.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)|(?:^|\n)import\s+["']([^"']+)["']/g,
    );
    const specifiers = [...found].map((match) => match[1] ?? match[2] ?? match[3]!);
    const targets = specifiers.map((name) =>
      name.startsWith(".") ? normalize(join(dirname(file), name)).replaceAll("\\", "/") : name
    );
    return [file, targets] as const;
  }),
);

/** Everything that `file` reaches. */
function reach(file: string, seen = new Set<string>()): Set<string> {
  for (const target of imports.get(file) ?? []) {
    if (seen.has(target)) continue;
    seen.add(target);
    reach(target, seen);
  }
  return seen;
}

Deno.test("no file imports a higher layer, and the roles do not import each other", () => {
  for (const [file, targets] of imports) {
    for (const target of targets.filter((name) => imports.has(name))) {
      assert.ok(layer(target) <= layer(file), `${file} imports ${target} of a higher layer`);
      if (layer(file) === 4 && layer(target) === 4) {
        const serverStartsBuild = role(file) === "server" && role(target) === "build";
        assert.ok(
          role(file) === role(target) || serverStartsBuild,
          `${file} imports ${target} of another role`,
        );
      }
    }
  }
});

Deno.test("no file reaches itself by its imports", () => {
  for (const file of imports.keys()) assert.ok(!reach(file).has(file), file);
});

Deno.test("only lib/ssh imports ssh2, and only lib/process imports node-pty", () => {
  for (const [file, targets] of imports) {
    for (const target of targets) {
      if (/^ssh2(\/|$)/.test(target)) assert.match(file, /^lib\/ssh\//);
      if (/node-pty/.test(target)) assert.match(file, /^lib\/process\//);
    }
  }
});

Deno.test("server, wsproxy and tunnel reach neither ssh2 nor node-pty", () => {
  for (const entry of ENTRIES.filter((name) => name !== "agent.ts")) {
    for (const target of reach(entry)) assert.doesNotMatch(target, /^ssh2|node-pty/, entry);
  }
});

Deno.test("wsproxy and tunnel know nothing of the server, the agent or the pages", () => {
  for (const entry of ["wsproxy.ts", "tunnel.ts"]) {
    for (const target of reach(entry)) {
      assert.doesNotMatch(target, /^lib\/(server|agent|ssh|process|build)\/|^templates\/|^preact/);
    }
  }
});
