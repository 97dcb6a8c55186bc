/**
 * `deno task platforms`: runs the agent in every environment, and writes what works there into the
 * table of docs/platforms.md. For Debian, as root; the first time takes some minutes.
 *
 * @module
 */
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { ROOT } from "../support/root.ts";
import { World } from "../support/world.ts";
import { ENVIRONMENTS } from "./environments.ts";
import { type Outcome, rootOf, tryJob } from "./job.ts";

/** The text of a line of the log: its reason, if it has one. */
function textOf(line: string): string {
  const [, reason] = /reason=("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
  return reason === undefined ? line : JSON.parse(reason);
}

/** What ssh says where something does not work, what the job's log says, and what is left. */
function seen({ exec, sftp, terminal, log, left }: Outcome): string {
  const said = [exec, sftp, terminal].filter((value) => value.startsWith("no: "))
    .map((value) => value.replace(/^no: (Converge: )?/, ""));
  const texts = new Set([...said, ...log.map(textOf), ...left.map((path) => `leaves ${path}`)]);
  return Array.from(texts, (text) => `\`${text.replaceAll("|", "\\|")}\``).join("<br>");
}

const rows = ["| environment | exec | sftp | terminal | what a person sees |", "|-|-|-|-|-|"];
const dist = await builtDist();
await using world = await World.start();
for (const environment of ENVIRONMENTS) {
  await using root = await rootOf(environment);
  const outcome = await tryJob(world, dist, root, environment);
  const { exec, sftp, terminal } = outcome;
  const works = [exec, sftp, terminal].map((value) => value === "yes" ? "yes" : "no");
  rows.push(`| ${[environment.name, ...works, seen(outcome)].join(" | ")} |`);
  console.log(rows.at(-1));
}
const page = join(ROOT, "docs/platforms.md");
const text = await Deno.readTextFile(page);
await Deno.writeTextFile(page, text.replace(/^\| environment(.*\n)+/m, `${rows.join("\n")}\n`));
await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", page] }).output();
