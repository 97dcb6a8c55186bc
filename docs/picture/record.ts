/**
 * Writes session.svg, the picture in the README, from a real session: a server, an agent whose job
 * has a failing test, and a person who logs in. Only the server's address is replaced.
 *
 *     deno run -A docs/picture/record.ts
 *
 * @module
 */
import { join } from "node:path";
import { makeHome, writePrograms } from "../../tests/support/home.ts";
import { inHome } from "../../tests/support/passwd_home.ts";
import { run, TempDir } from "../../tests/support/program.ts";
import { Terminal } from "../../tests/support/terminal.ts";
import { World } from "../../tests/support/world.ts";

const COLUMNS = 86;
const LINE_HEIGHT = 20;
const CHARACTER_WIDTH = 8.43;
const PROMPT = "build@runner:~/app$ ";
/** Output longer than this is cut. */
const MOST_LINES = 10;

/** A window of the picture. */
interface Pane {
  title: string;
  /** What a person typed begins with `$ ` or the prompt. */
  lines: string[];
}

/** Runs the session. */
async function record(): Promise<Pane[]> {
  await using home = new TempDir();
  const { env, config, key } = await makeHome(home);
  writePrograms(home, ["wsproxy"]);
  await using world = await World.start();
  const dir = new TempDir();
  dir.write("Makefile", "test:\n\t@echo 'not ok 7 - reads a date of next year'; exit 1\n");
  home.write(".bashrc", `PS1='${PROMPT}'\n`);
  const agent = world.startAgent({
    id: "job-42",
    json: false,
    dir,
    authorizedKeys: [...key.split(" ").slice(0, 2), "ann@example.org"].join(" "),
    args: ["--shell", "/bin/bash"],
    env: { HOME: home.path },
  });
  const [, hostKey] = await agent.program.waitFor(/KnownHostsCommand="\/bin\/echo \S+ (.*?)"/);
  Deno.mkdirSync(join(home.path, ".ssh"), { mode: 0o700 });
  home.write(".ssh/config", config.replace(/^UserKnownHostsFile.*\n/m, ""));
  home.write(".ssh/known_hosts", `job-42.converge ${hostKey}\n`);
  await run("wsproxy", ["setup", world.http], { env });
  const ssh = inHome(home.path, ["/usr/bin/ssh", "job-42.converge"]);
  await using terminal = new Terminal(...ssh, { env, columns: COLUMNS });
  await terminal.waitFor(/\$ $/);
  terminal.write("make test\r");
  await terminal.waitFor(/Error 1[^]*\$ $/);
  terminal.write("exit\r");
  await terminal.exited;
  await agent.program.result();

  const publicNames = (text: string) =>
    text.replaceAll(world.url, "wss://converge.example")
      .replaceAll(world.http, "https://converge.example").replaceAll(dir.path, "~/app");
  return [
    {
      title: "the log of the CI job",
      lines: ["$ ./agent --id job-42 wss://converge.example"]
        .concat(screen(publicNames(agent.program.stdout))),
    },
    {
      title: "your terminal",
      lines: ["$ ssh job-42.converge", ...screen(publicNames(terminal.output))],
    },
  ];
}

/** The lines of a terminal's output, without control sequences, cut to fit. */
function screen(output: string): string[] {
  const text = output
    // deno-lint-ignore no-control-regex
    .replaceAll(/\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07)|\r|[\x00-\x08\x0e-\x1f]/g, "");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !/^=+$/.test(line))
    .map((line) => line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line);
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES - 1), "…"] : lines;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function draw(panes: Pane[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 40);
  let y = 0;
  const parts = panes.map(({ title, lines }) => {
    const height = 44 + lines.length * LINE_HEIGHT + 16;
    const rows = lines.map((line, index) => {
      const typed = line.startsWith("$ ") || line.startsWith(PROMPT);
      const place = `x="20" y="${y + 60 + index * LINE_HEIGHT}"`;
      return `<text ${place}${typed ? ' class="typed"' : ""}>${escape(line)}</text>`;
    });
    const pane = [
      `<rect x="0.5" y="${y + 0.5}" width="${width - 1}" height="${height - 1}" rx="8"/>`,
      `<text x="20" y="${y + 27}" class="title">${escape(title)}</text>`,
      ...rows,
    ];
    y += height + 16;
    return pane.join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y - 16}" \
viewBox="0 0 ${width} ${y - 16}" role="img" aria-label="A session">
<style>
rect { fill: #0f1719; stroke: #2c3b40; }
text { fill: #c9d5d8; font: 14px ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre; }
.title { fill: #9fb0b6; font-family: system-ui, sans-serif; }
.typed { fill: #6fcbd6; font-weight: 600; }
</style>
${parts.join("\n")}
</svg>
`;
}

if (import.meta.main) {
  const picture = draw(await record());
  Deno.writeTextFileSync(join(import.meta.dirname!, "session.svg"), picture);
}
