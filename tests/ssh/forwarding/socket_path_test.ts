import { doesNotThrow, throws } from "node:assert/strict";
import { checkSocketPath } from "../../../lib/ssh/forwarding/socket_path.ts";

const max = Deno.build.os === "darwin" ? 103 : 107;

Deno.test("checkSocketPath() counts bytes and names the limit", () => {
  doesNotThrow(() => checkSocketPath("/".padEnd(max, "x")));
  throws(() => checkSocketPath("/".padEnd(max + 1, "x")), new RegExp(`${max} bytes at most`));
  throws(() => checkSocketPath("/".padEnd(max - 1, "x") + "é"), /at most, "\/x+é" has/);
});
