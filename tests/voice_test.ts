/** What people read keeps to the glossary of CONTRIBUTING.md. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./support/root.ts";

const CONTRIBUTING = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");

/** The phrases in the last column of the glossary. */
const FORBIDDEN = [...CONTRIBUTING.matchAll(/^\|[^|]*\|((?: `[a-z' ]+`)+) *\|$/gm)]
  .flatMap(([, phrases]) => [...phrases!.matchAll(/`([^`]+)`/g)].map(([, phrase]) => phrase!));

/** Everything that a person may read: sources and tests with their comments, pages, documents. */
function readable(): string[] {
  const below = (directory: string) =>
    readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
      .map((name) => `${directory}/${name.replaceAll("\\", "/")}`);
  const directories = ["lib", "templates", "docs", "examples", ".github", "tests", "ci", "vars"];
  return [...directories.flatMap(below), ...readdirSync(ROOT)]
    .filter((file) => /\.(ts|tsx|js|mjs|groovy|css|md|ya?ml|service|py|sh)$/.test(file))
    .filter((file) => file !== "CONTRIBUTING.md");
}

Deno.test("no text uses a word that the glossary replaces", () => {
  assert.ok(FORBIDDEN.length > 20);
  const pattern = new RegExp(`\\b(${FORBIDDEN.join("|")})\\b`, "i");
  const found = readable().flatMap((file) =>
    // A phrase may go on in the next line of a comment.
    readFileSync(join(ROOT, file), "utf8").replaceAll(/\n\s*(\/\/|\*)? ?/g, " ")
      .match(new RegExp(pattern, "gi"))?.map((phrase) => `${file}: ${phrase}`) ?? []
  );
  assert.deepEqual(found, []);
});
