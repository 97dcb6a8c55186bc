/** The documents name things that exist. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "./support/root.ts";

function below(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .map((name) => `${directory}/${name.replaceAll("\\", "/")}`);
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

const FILES = [
  ...["lib", "templates", "tests", "docs", "examples", ".github"].flatMap(below),
  ...readdirSync(ROOT),
];
const DOCUMENTS = FILES.filter((file) => file.endsWith(".md"));

/** The headings of a document as GitHub names them in links. */
function anchors(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("each link of the documents leads to a file and a heading", () => {
  const dead = DOCUMENTS.flatMap((file) =>
    [...read(file).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].filter(
      ([, path = "", anchor]) => {
        const target = path === "" ? file : normalize(join(dirname(file), path));
        if (!existsSync(join(ROOT, target))) return true;
        return anchor !== undefined && !anchors(target).includes(anchor);
      },
    ).map(([link]) => `${file}: ${link}`)
  );
  assert.deepEqual(dead, []);
});

Deno.test("each path that a document or a source file names exists", () => {
  const texts = FILES.filter((file) => /\.(ts|tsx|js|css|md|ya?ml)$/.test(file));
  const missing = texts.flatMap((file) =>
    [...read(file).matchAll(/(?<![\w./~-])(?:lib|templates|tests|docs|examples)\/[\w./*-]*\w/g)]
      .filter(([path]) => {
        const pattern = new RegExp(`^${path.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}`);
        return !FILES.some((known) => pattern.test(known));
      })
      .map(([path]) => `${file}: ${path}`)
  );
  assert.deepEqual(missing, []);
});

Deno.test("each promise of SECURITY.md names the test that checks it", () => {
  const rows = [...read("SECURITY.md").matchAll(/^\| (?!promise|-)(.*?) *\| (.*?) *\|$/gm)];
  assert.ok(rows.length > 15);
  for (const [, promise, tests] of rows) assert.match(tests!, /^`tests\/.*_test\.ts`/, promise);
});

Deno.test("docs/how-it-works.md names each directory of the sources", () => {
  const [, tree] = /## Directories\n+```\n([^]*?)```/.exec(read("docs/how-it-works.md"))!;
  const stack: string[] = [];
  const named = tree!.trimEnd().split("\n").map((line) => {
    const [, indent, name] = /^( *)([\w.]+)\//.exec(line)!;
    stack.splice(indent!.length / 2, Infinity, name!);
    return stack.join("/");
  });
  const real = FILES.filter((file) => /^(lib|templates)\//.test(file) && /\/[^.]+$/.test(file));
  const expected = ["lib", "templates", ...real].sort();
  assert.deepEqual(named.filter((directory) => !directory.startsWith("tests")).sort(), expected);
  const others = readdirSync(join(ROOT, "tests"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !existsSync(join(ROOT, "lib", entry.name)))
    .map(({ name }) => `tests/${name}`).filter((directory) => directory !== "tests/templates");
  const namedTests = named.filter((directory) => directory.startsWith("tests/"));
  assert.deepEqual(namedTests.sort(), others.sort());
});

Deno.test("CONTRIBUTING.md names each task", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  for (const task of Object.keys(tasks)) {
    assert.match(read("CONTRIBUTING.md"), new RegExp(`deno task ${task}\\b`), task);
  }
});
