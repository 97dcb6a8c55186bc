/** The licences that the files which people download print. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { PROGRAMS } from "../../lib/dist/targets.ts";
import { WORK } from "../support/dist.ts";
import { run } from "../support/program.ts";
import { ROOT } from "../support/root.ts";
import { snapshot } from "./support.ts";

const LINUX_X64 = Deno.build.target === "x86_64-unknown-linux-gnu";

/** A part of what `--licenses` prints. */
interface License {
  /** Its first line. */
  title: string;
  text: string;
}

async function licensesOf(command: string, ...args: string[]): Promise<License[]> {
  const { code, stdout, stderr } = await run(command, [...args, "--licenses"]);
  assert.equal(code, 0, stderr);
  return stdout.split(/^-{72}\n\n/m).map((text) => ({ title: text.split("\n", 1)[0]!, text }));
}

/** The npm packages that a program imports, and all that these need: name and version. */
async function packagesOf(program: string) {
  const { stdout } = await run(Deno.execPath(), ["info", "--json", `${program}.ts`], { cwd: ROOT });
  const { modules } = JSON.parse(stdout) as { modules: { specifier: string }[] };
  const imported = new Set(modules.flatMap(({ specifier }) => {
    const [, name, version] = /^npm:\/((?:@[^/]+\/)?[^@/]+)@([^/_]+)/.exec(specifier) ?? [];
    return name === undefined ? [] : [`${name} ${version}`];
  }));
  const lock = Object.entries<{ dependencies?: string[] }>(
    JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock"))).npm,
  ).map(([key, { dependencies = [] }]) => {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
    return { title: `${name} ${version}`, dependencies };
  });
  const needed = new Set(imported);
  for (const title of needed) {
    const { dependencies } = lock.find((each) => each.title === title)!;
    for (
      const { title } of lock.filter(({ title }) => dependencies.includes(title.split(" ")[0]!))
    ) {
      needed.add(title);
    }
  }
  return { imported, needed };
}

/** The licence in an installed package. */
async function installedLicense(title: string): Promise<string> {
  const [name, version] = title.split(" ") as [string, string];
  const store = join(WORK, "packages/node_modules/.deno");
  const key = `${name.replace("/", "+")}@${version}`;
  const directory = [...Deno.readDirSync(store)]
    .find((entry) => entry.name === key || entry.name.startsWith(`${key}_`))!.name;
  // Of the MIT licence, without a file of it.
  if (name === "@redis/client") return "Copyright (c) 2022-2025, Redis, inc.";
  const files = join(store, directory, "node_modules", name);
  const file = [...Deno.readDirSync(files)].find((entry) => /^licen[cs]e/i.test(entry.name))!.name;
  return (await Deno.readTextFile(join(files, file))).trim();
}

/** The licence texts of what is in an executable besides packages. */
const RUNTIME = [
  /^Deno, with parts of Node.js\n[^]*Permission is hereby granted[^]*WITHOUT WARRANTY OF ANY KIND/,
  /^V8, the JavaScript engine in Deno\n[^]*Redistributions in binary form must reproduce[^]*SUCH DAMAGE/,
];
const GLIBC = [
  /^The GNU C Library and GCC's runtime library\n[^]*GNU LESSER GENERAL PUBLIC LICENSE/,
  /GCC RUNTIME LIBRARY EXCEPTION[^]*GNU GENERAL PUBLIC LICENSE\s+Version 3|GNU GENERAL PUBLIC LICENSE\s+Version 3[^]*GCC RUNTIME LIBRARY EXCEPTION/,
];

for (const program of [...PROGRAMS, "server"]) {
  const isBundled = program !== "server";
  Deno.test(`${program} prints the licences of all that is in it, whole`, async () => {
    const { dist } = await snapshot();
    const { imported, needed } = await packagesOf(program);
    const check = async (licenses: License[], notInIt: RegExp) => {
      assert.match(licenses[0]!.text, /^Converge [\d.]+\n\nMIT License\n[^]*WITHOUT WARRANTY/);
      const packages = licenses.filter(({ title }) => needed.has(title));
      for (const title of imported) {
        if (notInIt.test(title)) continue;
        assert.ok(packages.some((each) => each.title === title), `${title} is missing`);
      }
      for (const { title, text } of packages) {
        assert.doesNotMatch(title, notInIt);
        assert.ok(text.includes(await installedLicense(title)), title);
      }
      return licenses.slice(1 + packages.length).map(({ text }) => text);
    };
    if (isBundled) {
      const bundle = join(dist, `${program}.js`);
      const licenses = await licensesOf(Deno.execPath(), "run", "-A", bundle);
      assert.deepEqual(await check(licenses, /node-pty|sodium/), []);
    }
    if (!LINUX_X64) return;
    const licenses = await licensesOf(join(dist, program));
    // The last part has ruled lines of its own.
    const [deno, v8, ...glibc] = await check(licenses, /node-pty/);
    assert.match(deno!, RUNTIME[0]!);
    assert.match(v8!, RUNTIME[1]!);
    for (const pattern of GLIBC) assert.match(glibc.join(""), pattern);
    const sodium = licenses.find(({ title }) => title.startsWith("sodium-native "));
    assert.equal(sodium !== undefined, [...imported].some((title) => /^sodium/.test(title)));
    if (sodium) assert.match(sodium.text, /\nlibsodium, in the native code[^]*ISC License/);
  });
}
