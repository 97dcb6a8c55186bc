import assert from "node:assert/strict";
import { join } from "node:path";
import {
  endText,
  holdCommands,
  loginMessage,
  warningText,
} from "../../../lib/agent/lifetime/login_message.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { WineDirectory } from "../../support/wine.ts";

const NOON = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const SHELLS = ["sh", "bash", "dash", "zsh", "fish"];

Deno.test("loginMessage() tells the rules with commands for sh", () => {
  const text = loginMessage({
    id: "job-1",
    shell: "sh",
    os: "linux",
    deadline: NOON + 10 * MINUTE,
    now: NOON,
    expiry: 10 * MINUTE,
    held: false,
    mode: "foreground",
  });
  assert.equal(
    text,
    `Converge: you are logged in to the job job-1.
The agent ends when the last shell ends. To keep it:
    touch "$CONVERGE_HOLD"
Without input it ends at 12:10:00 UTC, in 10m; each input resets that to 10m.
To keep it for an hour from now:
    touch -d '+1 hour' "$CONVERGE_HOLD"
`,
  );
});

Deno.test("loginMessage() tells that a detached agent stays with the job", () => {
  const options = {
    ...{ id: "job-1", shell: "sh", os: "linux", mode: "background" } as const,
    ...{ deadline: NOON, now: NOON - HOUR, expiry: 6 * HOUR },
  };
  const free = loginMessage({ ...options, held: false });
  assert.match(
    free,
    /\nThe agent stays while the job runs; at its end the job waits for open shells\./,
  );
  assert.match(free, /To make it wait without one:\n {4}touch /);
  const held = loginMessage({ ...options, held: true });
  assert.match(held, /stays while the job runs, and the job waits for it at its end\..*\n {4}rm /);
  for (const text of [free, held]) assert.doesNotMatch(text, /last shell/);
});

Deno.test("endText() names who stopped the agent", () => {
  assert.equal(
    endText("stopped", "agent end in a session from 192.0.2.1"),
    "Converge: the agent ends: it was stopped by agent end in a session from 192.0.2.1.",
  );
});

Deno.test("loginMessage() tells how to let go of an agent that is held", () => {
  const text = loginMessage({
    id: "job-1",
    shell: "cmd",
    os: "windows",
    deadline: NOON,
    now: NOON - 90 * MINUTE,
    expiry: 10 * MINUTE,
    held: true,
    mode: "waiting",
  });
  assert.match(text, /stays when the last shell ends.*\n {4}del "%CONVERGE_HOLD%"\n/);
  assert.match(text, /UTC, in 1h 30m;/);
});

Deno.test("holdCommands() fit PowerShell and cmd", () => {
  const powershell = holdCommands("powershell", "windows");
  assert.equal(powershell.make, "New-Item -Force $env:CONVERGE_HOLD");
  assert.match(powershell.extend, /LastWriteTime = \(Get-Date\)\.AddHours\(1\)$/);
  const cmd = holdCommands("cmd", "windows");
  assert.equal(cmd.make, 'type nul > "%CONVERGE_HOLD%"');
  assert.equal(cmd.extend, `powershell -NoProfile -Command "${powershell.extend}"`);
});

for (const shell of SHELLS) {
  for (const os of ["linux", "darwin"] as const) {
    requires(shell)({
      name: `holdCommands() for ${os} make, extend and remove the hold file in ${shell}`,
      ignore: Deno.build.os === "windows",
      async fn() {
        await using dir = new TempDir();
        // Names of directories may hold anything.
        Deno.mkdirSync(join(dir.path, "a b'$c"));
        const path = join(dir.path, "a b'$c", ".hold");
        const { make, extend, remove } = holdCommands("sh", os);
        const env = { CONVERGE_HOLD: path, HOME: dir.path, TZ: "Asia/Tokyo" };
        const type = async (command: string) => {
          const { code, stderr } = await run(shell, ["-c", command], { env });
          assert.equal(code, 0, stderr);
        };
        await type(make);
        assert.ok(Math.abs(Deno.statSync(path).mtime!.getTime() - Date.now()) < MINUTE);
        await type(extend);
        const ahead = Deno.statSync(path).mtime!.getTime() - Date.now();
        // The portable form knows whole minutes only.
        assert.ok(ahead > HOUR - 2 * MINUTE && ahead <= HOUR, `${ahead} ms ahead`);
        await type(remove);
        assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
      },
    });
  }
}

requires("wine")({
  name: "holdCommands() make and remove the hold file in cmd",
  async fn() {
    await using dir = await WineDirectory.create();
    const { make, remove } = holdCommands("cmd", "windows");
    const type = async (command: string) => {
      Deno.writeTextFileSync(join(dir.path, "typed.bat"), `@${command}\r\n`);
      const env = { CONVERGE_HOLD: `${dir.windowsPath}\\.hold` };
      const [program, args] = dir.command("cmd", ["/c", "typed.bat"], { env });
      // Wine's services outlive the command and would keep pipes open.
      const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
      assert.equal((await child.status).code, 0);
    };
    await type(make);
    assert.equal(Deno.readTextFileSync(join(dir.path, ".hold")), "");
    await type(remove);
    assert.throws(() => Deno.statSync(join(dir.path, ".hold")), Deno.errors.NotFound);
  },
});

Deno.test("warningText() and endText() are one line each, short enough for a terminal", () => {
  const near = warningText({ kind: "near", left: 5 * MINUTE, deadline: NOON });
  assert.equal(near, "Converge: the agent ends at 12:00:00 UTC, in 5m. Type anything to keep it.");
  const extended = warningText({ kind: "extended", left: 10 * MINUTE, deadline: NOON });
  assert.equal(extended, "Converge: the agent now ends at 12:00:00 UTC, in 10m.");
  const ends = (["logout", "released", "deadline", "stopped", "cancelled"] as const).map((reason) =>
    endText(reason)
  );
  for (const text of [near, extended, ...ends]) {
    assert.match(text, /^Converge: [^\n]+\.$/);
    assert.ok(text.length < 80, text);
  }
});
