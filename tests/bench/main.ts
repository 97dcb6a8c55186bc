/**
 * `deno task bench`: Converge against OpenSSH's sshd, in turn, on this machine, as ratios. sshd is
 * reached by TCP, Converge through wsproxy and the server; OpenSSH's sftp-server by Converge.
 *
 * @module
 */
import { Sshd } from "../support/sshd.ts";
import { World } from "../support/world.ts";
import {
  descendant,
  down,
  echo,
  endlessDown,
  login,
  quantile,
  residentMemory,
  type Target,
  up,
} from "./measure.ts";
import { benchSftp } from "./sftp.ts";

const ROUNDS = 5;
const MEGABYTES = 200;

await using world = await World.start();
const agent = world.startAgent({ args: ["--hold"] });
const announced = await agent.announced();
await using sshd = await Sshd.start(world.publicKey);

const converge: Target = {
  name: "Converge",
  options: world.sshOptions(announced),
  destination: `${announced.username}@localhost`,
};
const openssh: Target = {
  name: "sshd",
  options: [
    ...world.sshOptions({ ...announced, hostKey: sshd.hostKey }, "none"),
    `-oPort=${sshd.port}`,
  ],
  destination: `${Deno.env.get("USER") ?? "root"}@127.0.0.1`,
};

/** Measures both in turn, so that a machine that slows down slows both. */
async function compare(
  name: string,
  unit: string,
  wanted: string,
  measure: (target: Target) => Promise<number>,
  [first, second] = [converge, openssh],
): Promise<void> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measure(first));
    theirs.push(await measure(second));
  }
  const ratios = ours.map((value, round) => value / theirs[round]!);
  print(name, quantile(ours, 0.5), quantile(theirs, 0.5), unit, quantile(ratios, 0.5), wanted);
}

function print(
  name: string,
  ours: number,
  theirs: number,
  unit: string,
  ratio: number,
  wanted = "",
): void {
  const number = (value: number) => value.toFixed(2).padStart(9);
  console.log(
    `${name.padEnd(20)}${number(ours)} ${number(theirs)} ${unit.padEnd(5)}${
      number(ratio)
    }  ${wanted}`,
  );
}

console.log(`${"".padEnd(20)} Converge      sshd          ratio  wanted`);
await compare("login", "ms", "ratio at most 0.6", login);
const [ours, theirs] = [await echo(converge), await echo(openssh)];
for (const [name, part, wanted] of [["median", 0.5, "at most 4 ms"], ["p99", 0.99, ""]] as const) {
  const [a, b] = [quantile(ours, part), quantile(theirs, part)];
  print(`echo, ${name}`, a, b, "ms", a / b, wanted);
}
await compare("bulk down", "MB/s", "ratio at least 0.5", (target) => down(target, MEGABYTES));
await compare("bulk up", "MB/s", "ratio at least 0.4", (target) => up(target, MEGABYTES));

console.log(`\n${"".padEnd(20)} Converge sftp-server        ratio  wanted`);
await benchSftp(converge, agent.dir.path, compare);

{
  await using transfer = endlessDown(converge);
  // The processes are looked at while they carry bytes.
  await echo(converge, 100);
  console.log("\nresident memory, MiB, while bytes are carried");
  const wsproxy = descendant(transfer.pid, /^\S*deno run .*wsproxy\.ts/);
  for (
    const [name, pid] of [
      ["server", world.server.pid],
      ["agent", agent.program.pid],
      ["wsproxy", wsproxy],
    ] as const
  ) {
    if (pid !== undefined) {
      console.log(`${name.padEnd(20)}${residentMemory(pid).toFixed(0).padStart(9)}`);
    }
  }
  const ssh = descendant(transfer.pid, /^ssh /);
  if (ssh !== undefined) Deno.kill(ssh, "SIGTERM");
}
