import assert from "node:assert/strict";
import { join } from "node:path";
import {
  collectLicenses,
  insertLicenses,
  packageDirectory,
} from "../../../lib/build/bundle/licenses.ts";
import { TempDir } from "../../support/program.ts";
import { ROOT } from "../../support/root.ts";

/** Makes an npm package with these files. @returns its directory */
async function writePackage(dir: TempDir, name: string, files: string[]): Promise<string> {
  await Deno.mkdir(join(dir.path, name));
  dir.write(join(name, "package.json"), JSON.stringify({ name, version: "1.2.3" }));
  for (const file of files) dir.write(join(name, file), `the terms of ${name}\n`);
  return join(dir.path, name);
}

Deno.test("collectLicenses() has our own licence and that of each package, in order", async () => {
  await using dir = new TempDir();
  const packages = [
    await writePackage(dir, "pear", ["LICENSE.md", "index.js"]),
    await writePackage(dir, "apple", ["licence"]),
  ];
  const [own, ...others] = collectLicenses(ROOT, { packages, runtime: false }).split(
    /-{72}/,
  );
  assert.match(own!, /^Converge [\d.]+\n\nMIT License\n/);
  assert.deepEqual(others.map((text) => text.trim()), [
    "apple 1.2.3\n\nthe terms of apple",
    "pear 1.2.3\n\nthe terms of pear",
  ]);
});

Deno.test("collectLicenses() has those of Deno, V8 and glibc where they are part of the file", () => {
  const glibc = "the terms of glibc";
  const text = collectLicenses(ROOT, { packages: [], runtime: true, glibc });
  assert.match(text, /the Deno authors/);
  assert.match(text, /the V8 project authors/);
  assert.match(text, /^the terms of glibc$/m);
});

Deno.test("collectLicenses() refuses a package without a licence", async () => {
  await using dir = new TempDir();
  const packages = [await writePackage(dir, "plum", ["README.md"])];
  assert.throws(
    () => collectLicenses(ROOT, { packages, runtime: false }),
    /cannot bundle "plum": it has no licence file/,
  );
});

Deno.test("packageDirectory() finds the innermost package, also one with a scope", () => {
  assert.equal(
    packageDirectory("/w/node_modules/a/node_modules/b/c/d.js"),
    "/w/node_modules/a/node_modules/b",
  );
  assert.equal(packageDirectory("/w/node_modules/@s/a/b.js"), "/w/node_modules/@s/a");
  assert.equal(packageDirectory("/w/lib/a.ts"), undefined);
});

Deno.test("insertLicenses() keeps what JavaScript would take for something else", () => {
  const text = 'a "b"\n$& \\';
  const bundle = insertLicenses('console.log("@licenses@")', text);
  assert.equal(bundle, `console.log(${JSON.stringify(text)})`);
});
