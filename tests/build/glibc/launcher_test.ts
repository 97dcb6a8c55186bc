import assert from "node:assert/strict";
import { join } from "node:path";
import { CODE } from "../../../lib/build/glibc/launcher.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { ROOT } from "../../support/root.ts";

/** The assemblers' names start with this. */
const TOOLS = { x86_64: "", aarch64: "aarch64-linux-gnu-" } as const;

for (const [arch, prefix] of Object.entries(TOOLS)) {
  const [as, objcopy] = [`${prefix}as`, `${prefix}objcopy`];
  requires(as)(`the launcher for ${arch} is what its source says`, async () => {
    await using dir = new TempDir();
    const [object, code] = [join(dir.path, "object"), join(dir.path, "code")];
    const directory = join(ROOT, "lib/build/glibc");
    const source = join(directory, arch, "launcher.s");
    for (
      const [tool, args] of [
        [as, ["-I", directory, "-o", object, source]],
        [objcopy, ["-O", "binary", "-j", ".text", object, code]],
      ] as const
    ) {
      const { code, stderr } = await run(tool, [...args]);
      assert.equal(code, 0, stderr);
    }
    const text = CODE[arch as keyof typeof TOOLS].replace(/\s/g, "");
    assert.equal(text, (await Deno.readFile(code)).toBase64());
  });
}
