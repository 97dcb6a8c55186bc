import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { slope } from "./soak/holdings.ts";
import { soakPrograms } from "./soak.ts";

const test = requires("ssh", "curl");

test({
  name: "visitors of all kinds leave no descriptor, process or timer behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    let round = 0;
    const soaked = await soakPrograms({ goOn: () => ++round < 2, pauseMs: 0 });
    assert.deepEqual(soaked.map(({ name }) => name), ["server", "agent", "tunnel"]);
  },
});

Deno.test("a slope is what a value grows by each step", () => {
  assert.equal(slope([3, 5, 7]), 2);
  assert.equal(slope([1, 0, 0, 1]), 0);
});
