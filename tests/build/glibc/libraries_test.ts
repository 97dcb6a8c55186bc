import assert from "node:assert/strict";
import { fetchGlibc } from "../../../lib/build/glibc/libraries.ts";
import { WORK } from "../../support/dist.ts";
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";

const test = requires("apt-get");

for (const arch of ["x86_64", "aarch64"] as const) {
  test(`the libraries for ${arch} come from Debian's packages, with their licences`, async () => {
    const { loader, libraries, licenses } = await fetchGlibc(arch, { work: WORK });
    for (const { name, bytes } of [loader, ...libraries]) {
      assert.deepEqual([...bytes.subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46], name);
    }
    assert.match(licenses, /GNU LESSER GENERAL PUBLIC LICENSE\n +Version 2.1/);
    assert.match(licenses, /GCC RUNTIME LIBRARY EXCEPTION/);
    assert.match(licenses, /libc6 \d[^,]*, libgcc-s1 \d/);
  });
}

Deno.test("without apt the reason is given", async () => {
  await using work = new TempDir();
  await assert.rejects(
    fetchGlibc("x86_64", { work: work.path, aptGet: `${work.path}/apt-get` }),
    /cannot get glibc for x86_64: .*this system has no apt-get/,
  );
});
