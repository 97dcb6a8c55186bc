/** The job's environment and directory, as the job has them, byte for byte. */
import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { join } from "node:path";
import { decodeBytes } from "../../lib/text/byte_text.ts";
import { Program, type ProgramResult, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { type Announced, World } from "../support/world.ts";

const test = requires("ssh", "rsync", "scp");

/** Variables as a job may have them, in bash's own words: Deno starts programs with UTF-8 alone. */
const VARIABLES = [
  "my.dotted=1",
  "INPUT_FETCH-DEPTH=0",
  "BASH_FUNC_f%%=() { echo from the function; }",
  "with space=a b",
  "EMPTY=",
  "EQUALS==a=b=",
  "LINES_OF_TEXT=$'one\\ntwo\\n'",
  "AUTHOR=$'J\\374rgen'",
  "$'N\\374MBER=1'",
  "ALL_BYTES=$'\\x80\\xc3\\x28\\xff\\xed\\xa0\\x80\\xf0\\x9f\\x90\\xa2'",
  "UTF_8=Jürgen 🐢",
].map((text) => text.startsWith("$") || text.includes("=$'") ? text : `'${text}'`);

/**
 * An agent that bash starts in a directory called `f\xfc` with {@link VARIABLES} and without HOME.
 */
function startLatin1Agent(world: World, dir: TempDir): Program {
  const script = `mkdir $'f\\374' && cd $'f\\374' && cp "$KEY" .authorized_keys &&
    exec env -u HOME ${VARIABLES.join(" ")} "$@"`;
  const agent = [Deno.execPath(), "run", "--no-check", "-A", join(ROOT, "agent.ts"), "--json"];
  return new Program("bash", ["-c", script, "bash", ...agent, world.url], {
    cwd: dir.path,
    env: { KEY: `${world.key}.pub` },
  });
}

/** Runs a script of bash in which `./job-ssh` is ssh to the agent, whatever its destination. */
async function script(world: World, agent: Announced, text: string): Promise<ProgramResult> {
  await using dir = new TempDir();
  const quoted = world.sshOptions(agent).map((word) => `'${word}'`).join(" ");
  const user = `-l${agent.username}`;
  dir.write("job-ssh", `#!/bin/sh\nexec ssh ${quoted} ${user} "$@"\n`, 0o755);
  await using program = new Program("bash", ["-ec", text], { cwd: dir.path });
  return await program.result();
}

/** The variables of environ(7), sorted, each byte a character. */
function variables(bytes: Uint8Array): string[] {
  return [...new TextDecoder("latin1").decode(bytes).split("\0")].filter((text) => text !== "")
    .sort();
}

/** What the agent adds to the job's variables; HOME is missing there. */
const ADDED = /^(HOME|CONVERGE_(ID|DIR|HOLD)|SSH_CONNECTION|SSH_TTY|TERM)=/;
/** What it takes away with a terminal or, the first two, always. */
const REMOVED = /^(SHELLOPTS|BASHOPTS|TERM|LINES|COLUMNS)=/;

test("a job in another encoding than UTF-8", async (t) => {
  await using world = await World.start();
  await using dir = new TempDir();
  await using agent = startLatin1Agent(world, dir);
  const [line] = await agent.waitFor(/^\{.*\}$/m);
  const announced: Announced = JSON.parse(line);
  const job = variables(Deno.readFileSync(`/proc/${agent.pid}/environ`));

  for (const terminal of [false, true]) {
    await t.step(
      `each variable is as it was, ${terminal ? "with" : "without"} a terminal`,
      async () => {
        const options = terminal ? ["-tt"] : [];
        // With a terminal, line ends become two characters.
        const command = "stty -opost 2>/dev/null; cat /proc/$$/environ; :";
        const { bytes, stderr } = await world.ssh(announced, [...options, command]);
        const session = variables(bytes);
        const kept = session.filter((text) => !ADDED.test(text));
        assert.deepEqual(kept, job.filter((text) => !REMOVED.test(text)), stderr);
        assert.ok(session.includes("AUTHOR=J\xfcrgen"));
        assert.ok(session.includes(`HOME=${userInfo().homedir}`));
        assert.ok(session.includes(`CONVERGE_DIR=${dir.path}/f\xfc`));
      },
    );
  }

  await t.step("sessions start in the directory, and commands name it", async () => {
    const { bytes } = await world.ssh(announced, ["pwd; f"]);
    assert.equal(decodeBytes(bytes), `${dir.path}/f\udcfc\nfrom the function\n`);
  });

  await t.step("arguments, in exec, rsync and scp -O", async () => {
    const { stdout, stderr, code } = await script(
      world,
      announced,
      `
      name=$'n\\344me \\377'
      ./job-ssh job "mkdir '$name'; echo content > '$name/file'; ls" | od -An -to1 | grep -q 344
      rsync -rs -e ./job-ssh "job:$name/" copy
      cat copy/file
      scp -Oq -S ./job-ssh copy/file "job:'$name/second'"
      ./job-ssh job "cat '$name/second'"
    `,
    );
    assert.equal(stdout, "content\ncontent\n", stderr);
    assert.equal(code, 0, stderr);
  });

  await t.step("SFTP starts there too", async () => {
    const { stdout, stderr } = await script(
      world,
      announced,
      `
      echo 'get .authorized_keys keys' | sftp -qb - -S ./job-ssh job >&2
      cat keys
    `,
    );
    assert.equal(stdout, world.publicKey, stderr);
  });

  await t.step("the hold file and agent status are found", async () => {
    const status = `${Deno.execPath()} run --no-check -A ${join(ROOT, "agent.ts")} status`;
    const { stdout, stderr } = await world.ssh(announced, [`touch "$CONVERGE_HOLD"; ${status}`]);
    assert.match(stdout, /^ID +\S+\n/, stderr);
    await agent.waitFor(/hold file set/);
  });
  agent.kill("SIGTERM");
  await agent.result();
});

test("new sessions get what later steps of the job have set", async () => {
  await using world = await World.start();
  await using commands = new TempDir();
  const step = (number: number) => ({
    GITHUB_ENV: commands.write(`set_env_${number}`, ""),
    GITHUB_PATH: commands.write(`add_path_${number}`, ""),
  });
  const first = step(1);
  const envFile = commands.write("build.env", "VERSION=1.2\n");
  const announced = await world.startAgent({ args: ["--env-file", envFile], env: first })
    .announced();
  const ask = async () =>
    (await world.ssh(announced, ["echo $VERSION $MODE ${PATH%%:*}"])).stdout.trim();
  assert.match(await ask(), /^1\.2 \//);
  const second = step(2);
  for (const file of Object.values(first)) Deno.removeSync(file);
  Deno.writeTextFileSync(second.GITHUB_ENV, "MODE=fast\n");
  Deno.writeTextFileSync(second.GITHUB_PATH, "/opt/tools\n");
  Deno.writeTextFileSync(envFile, "VERSION=1.3\n");
  assert.equal(await ask(), "1.3 fast /opt/tools");
  step(3);
  for (const file of Object.values(second)) Deno.removeSync(file);
  assert.equal(await ask(), "1.3 fast /opt/tools");
});
