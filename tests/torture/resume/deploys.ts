/** Deploys: one server after the other takes the port over, and people type all the time. */
import assert from "node:assert/strict";
import { delay } from "../../../lib/wire/delay.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { openShells, rest, THINKING_MS } from "./shells.ts";

/** Between two deploys, in milliseconds. */
const CALM_MS = 5_000;

/** What was seen. */
export interface Deploys {
  /** The longest pause of each shell in each deploy, in milliseconds. */
  pauses: number[];
  /** The same without a deploy. */
  usual: number[];
  /** How many pairs were cut because they had not moved in time. */
  cut: number;
}

/** @throws {Error} if a shell ends, or an answer is wrong */
export async function deploy({ shells: count, deploys }: {
  shells: number;
  deploys: number;
}): Promise<Deploys> {
  await using scene = await ResumeScene.start({ direct: true });
  await using open = new AsyncDisposableStack();
  const shells = await openShells(scene, count, open);
  for (const shell of shells) shell.startTyping(THINKING_MS);
  const longest = async (during: () => Promise<unknown>) => {
    const from = shells.map(({ pauses }) => pauses.length);
    await during();
    await rest(shells);
    return shells.map(({ pauses }, i) => Math.max(...pauses.slice(from[i])));
  };
  const seen: Deploys = { pauses: [], usual: await longest(() => delay(CALM_MS)), cut: 0 };
  for (let each = 0; each < deploys; each++) {
    seen.pauses.push(
      ...await longest(async () => {
        const former = await scene.takeOver();
        const { code, stderr } = await former.result();
        assert.equal(code, 0, stderr);
        seen.cut += stderr.split('"label":"shutdown"').length - 1;
      }),
    );
    await delay(CALM_MS);
  }
  for (const shell of shells) await shell.stop();
  return seen;
}
