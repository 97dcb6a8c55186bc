import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { fleet } from "./many.ts";
import { shells } from "./many/shells.ts";

const linux = { ignore: Deno.build.os !== "linux" };

requires("ssh")(
  "50 agents are paired, and keep their IDs when the server is killed",
  linux,
  async () => {
    const { pairMs } = await fleet(50, 10);
    assert.equal(pairMs.length, 10);
  },
);

requires("ssh")("each of 10 shells gets back what it sent", linux, async () => {
  await shells(10);
});
