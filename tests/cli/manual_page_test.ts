import assert from "node:assert/strict";
import { tunnelCommand } from "../../lib/cli/client_options.ts";
import { parseCommand } from "../../lib/cli/command.ts";
import { manualPage } from "../../lib/cli/manual_page.ts";
import { run, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";

for (const name of ["agent", "server", "tunnel", "wsproxy"]) {
  requires("mandoc")(`the manual page of ${name} is in order`, async () => {
    await using program = startEntry(`${name}.ts`, ["--manual"]);
    const { code, stdout } = await program.result();
    assert.equal(code, 0);
    await using dir = new TempDir();
    const file = dir.write("page.1", stdout);
    // There is no date: the version says which page it is.
    const lint = await run("mandoc", ["-Tlint", "-Werror", file]);
    assert.deepEqual([lint.code, lint.stdout, lint.stderr], [0, "", ""]);
    const shown = await run("mandoc", ["-Tascii", "-Owidth=80", file]);
    assert.match(shown.stdout.replaceAll(/.[\b]/g, ""), /^OPTIONS\n +-V, --version\n/m);
  });
}

Deno.test("a manual page shows each character of the help as it is", async () => {
  const command = tunnelCommand(() => Promise.resolve());
  command.addHelpText("after", "\n.not a macro\n'nor this, \\n or -");
  assert.match(manualPage(command, "1.2.3"), /^\\&\.not a macro\n\\&'nor this, \\en or \\-$/m);
  assert.equal(await parseCommand(command.configureOutput({ writeOut() {} }), ["--manual"]), false);
});
