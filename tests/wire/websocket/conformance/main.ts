/** Plays all cases against each end and prints the table of docs/websocket.md. */
import { conformanceCases } from "./cases.ts";
import { clientEnd, nativeEnd, relayEnd, type Verdict } from "./ends.ts";

const VERDICTS: Verdict[] = ["passed", "non-strict", "informational", "policy", "failed"];
const ends = { "our client": clientEnd, "Deno's websocket": nativeEnd, "the server": relayEnd };

console.log(`| | ${VERDICTS.join(" | ")} |\n|---|${VERDICTS.map(() => "---:").join("|")}|`);
for (const [name, start] of Object.entries(ends)) {
  await using end = await start();
  const ids: Record<string, string[]> = Object.fromEntries(
    VERDICTS.map((verdict) => [verdict, []]),
  );
  for (const test of conformanceCases()) {
    ids[end.judge(test, await end.play(test))]!.push(test.id);
  }
  console.log(`| ${name} | ${VERDICTS.map((verdict) => ids[verdict]!.length).join(" | ")} |`);
  for (const verdict of ["non-strict", "failed"]) {
    if (ids[verdict]!.length > 0) console.error(`${name}, ${verdict}: ${ids[verdict]!.join(" ")}`);
  }
}
