/** Who may import whom: holds what docs/how-it-works.md says. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "./support/root.ts";

const ENTRIES = ["server.ts", "agent.ts", "wsproxy.ts", "tunnel.ts"];
const ROLES_LAYER = 5;

const DOCS = readFileSync(join(ROOT, "docs/how-it-works.md"), "utf8");

/** The directories in backquotes of a line or paragraph of the docs. */
function directoriesIn(text: string): string[] {
  return [...text.matchAll(/`((?:lib|templates)[a-z/_]*|\.)`/g)].map(([, directory]) => directory!);
}

/** The layer of each directory that the table in the docs names. */
const LAYERS = new Map(
  [...DOCS.matchAll(/^\| (\d) +\|([^|]*)\|/gm)].flatMap(([, layer, directories]) =>
    directoriesIn(directories!).map((directory) => [directory, Number(layer)] as const)
  ),
);

/** The directories that the docs call pure. */
const PURE = directoriesIn(/^`lib[^]*?are pure/m.exec(DOCS)![0]);

function isIn(file: string, directory: string): boolean {
  return directory === "." ? !file.includes("/") : file.startsWith(`${directory}/`);
}

/** The directory of the table that a file is in: the one with the longest path. */
function layerDirectory(file: string): string {
  const found = [...LAYERS.keys()].filter((directory) => isIn(file, directory));
  const directory = found.sort((a, b) => b.length - a.length)[0];
  assert.ok(directory, `${file} is in no layer of docs/how-it-works.md`);
  return directory;
}

function layer(file: string): number {
  return LAYERS.get(layerDirectory(file))!;
}

/** The paths of all source files from the root. */
function sources(): string[] {
  const files = ["lib", "templates"].flatMap((directory) =>
    readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
      .map((name) => `${directory}/${name.replaceAll("\\", "/")}`)
  ).concat(readdirSync(ROOT));
  return files.filter((file) => /\.(ts|tsx|js)$/.test(file));
}

const texts = new Map(sources().map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));

const STATIC_IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|(?:^|\n)import\s+["']([^"']+)["']/g;
const DYNAMIC_IMPORT = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** What each source file imports: paths from the root for our own files, else the specifier. */
function importsBy(...patterns: RegExp[]): Map<string, string[]> {
  return new Map(
    [...texts].map(([file, source]) => {
      const found = patterns.flatMap((pattern) => [...source.matchAll(pattern)]);
      const targets = found.map((match) => match[1] ?? match[2]!).map((name) =>
        name.startsWith(".") ? normalize(join(dirname(file), name)).replaceAll("\\", "/") : name
      );
      return [file, targets];
    }),
  );
}

const imports = importsBy(STATIC_IMPORT, DYNAMIC_IMPORT);
/** What is loaded with the file, not later on demand. */
const staticImports = importsBy(STATIC_IMPORT);

/** Each import of one of our files by another. */
const ownImports = [...imports].flatMap(([file, targets]) =>
  targets.filter((target) => imports.has(target)).map((target) => ({ file, target }))
);

/** Everything that `file` reaches. */
function reach(file: string, by = imports, seen = new Set<string>()): Set<string> {
  for (const target of by.get(file) ?? []) {
    if (seen.has(target)) continue;
    seen.add(target);
    reach(target, by, seen);
  }
  return seen;
}

Deno.test("no file imports a higher layer, and the roles do not import each other", () => {
  for (const { file, target } of ownImports) {
    assert.ok(layer(target) <= layer(file), `${file} imports ${target} of a higher layer`);
    if (layer(file) === ROLES_LAYER && layer(target) === ROLES_LAYER) {
      assert.equal(layerDirectory(target), layerDirectory(file), `${file} imports ${target}`);
    }
  }
});

Deno.test("no file reaches itself by its imports", () => {
  for (const file of imports.keys()) assert.ok(!reach(file).has(file), file);
});

Deno.test("no two directories import each other, but for one inside the other", () => {
  const pairs = new Map(
    ownImports.map(({ file, target }) => [`${dirname(file)} ${dirname(target)}`, file]),
  );
  for (const [pair, file] of pairs) {
    const [from, to] = pair.split(" ") as [string, string];
    if (isIn(`${from}/`, to) || isIn(`${to}/`, from)) continue;
    const back = pairs.get(`${to} ${from}`);
    assert.equal(back, undefined, `${file} and ${back} import each other's directory`);
  }
});

Deno.test("what the docs call pure uses nothing of the system", () => {
  assert.ok(PURE.length > 3);
  for (const [file, source] of texts) {
    if (
      !PURE.some((directory) => isIn(file, directory)) || isIn(file, "templates/assets/browser")
    ) {
      continue;
    }
    assert.doesNotMatch(source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ""), /\bDeno\./, file);
    for (const target of imports.get(file)!) assert.doesNotMatch(target, /^node:/, file);
  }
});

Deno.test("each exported name has one meaning", () => {
  const places = new Map<string, string>();
  const pattern =
    /^export (?:abstract )?(?:async )?(?:class|interface|type|function\*?|const|let) (\w+)/gm;
  for (const [file, source] of texts) {
    for (const [, name] of source.matchAll(pattern)) {
      assert.equal(places.get(name!) ?? file, file, `${file} exports ${name} too`);
      places.set(name!, file);
    }
  }
});

Deno.test("only lib/process imports node-pty", () => {
  for (const [file, targets] of imports) {
    for (const target of targets) {
      if (/node-pty/.test(target)) assert.match(file, /^lib\/process\//);
    }
  }
});

Deno.test("only lib/ssh imports libraries of cryptography", () => {
  for (const [file, targets] of imports) {
    for (const target of targets) {
      if (/^@noble\/|sodium/.test(target)) assert.match(file, /^lib\/ssh\//);
    }
  }
});

Deno.test("server, wsproxy and tunnel reach neither lib/ssh nor node-pty", () => {
  for (const entry of ENTRIES.filter((name) => name !== "agent.ts")) {
    // The server loads its jump host when it is wanted.
    const reached = entry === "server.ts" ? reach(entry, staticImports) : reach(entry);
    for (const target of reached) assert.doesNotMatch(target, /^lib\/ssh\/|node-pty/, entry);
  }
});

Deno.test("wsproxy and tunnel know nothing of the server, the agent or the pages", () => {
  for (const entry of ["wsproxy.ts", "tunnel.ts"]) {
    for (const target of reach(entry)) {
      assert.doesNotMatch(target, /^lib\/(server|agent|ssh|process|build)\/|^preact/);
      assert.doesNotMatch(target, /^templates\/(?!assets\/shared\/)/);
    }
  }
});

/** Directories of tests that mirror no directory of sources. */
const OTHER_TESTS = [
  "e2e",
  "browser",
  "bench",
  "operate",
  "examples",
  "platforms",
  "support",
  "torture",
];

Deno.test("a test lies where its file, or the directory of its files, lies", () => {
  const files = [...texts.keys()].filter((file) => file.includes("/"));
  const directories = new Set(files.map(dirname));
  const tests = readdirSync(join(ROOT, "tests"), { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"));
  for (const test of tests.filter((name) => name.endsWith("_test.ts") && name.includes("/"))) {
    if (OTHER_TESTS.includes(test.split("/")[0]!)) continue;
    const directory = test.startsWith("templates/") ? dirname(test) : `lib/${dirname(test)}`;
    assert.ok(directories.has(directory), `tests/${test}: there is no ${directory}`);
    const [top, name] = [directory.split("/", 2).join("/"), test.replace(/^.*\/|_test\.ts$/g, "")];
    const twins = files.filter((file) =>
      isIn(file, top) && file.replace(/^.*\/|\.\w+$/g, "") === name
    );
    assert.ok(
      twins.length === 0 || twins.some((twin) => dirname(twin) === directory),
      `tests/${test} is the test of ${twins}`,
    );
  }
});
