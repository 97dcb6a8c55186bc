import assert from "node:assert/strict";
import { join } from "node:path";
import type { OwnProgram } from "../../../lib/client/setup/own_program.ts";
import { setUp, undoSetup } from "../../../lib/client/setup/setup.ts";
import { TempDir } from "../../support/program.ts";

const SERVER = { url: "wss://ci.example", username: "builder" };

/** A person's home, and where wsproxy was downloaded to. */
class Home implements AsyncDisposable {
  readonly dir = new TempDir();
  readonly downloads = new TempDir();
  readonly said: string[] = [];
  readonly program: OwnProgram = {
    executable: this.downloads.write("wsproxy-linux-x64", "#!/bin/sh\n", 0o644),
    words: [],
  };

  get #context() {
    const computer = { home: this.dir.path, env: { PATH: "/usr/bin" }, windows: false };
    return { computer, program: this.program, print: (line: string) => void this.said.push(line) };
  }

  setUp(suffix = "converge", server = SERVER): Promise<void> {
    return setUp(suffix, server, this.#context);
  }

  undo(suffix?: string): Promise<void> {
    return undoSetup(suffix, this.#context);
  }

  path(name: string): string {
    return join(this.dir.path, name);
  }

  read(name: string): string {
    return Deno.readTextFileSync(this.path(name));
  }

  /** Each path with its kind, mode and content. */
  snapshot(): string[] {
    const list = (directory: string): string[] =>
      [...Deno.readDirSync(directory)].flatMap(({ name }) => {
        const path = join(directory, name);
        const { isSymlink, isDirectory, mode } = Deno.lstatSync(path);
        const line = `${path} ${mode!.toString(8)}`;
        if (isSymlink) return [`${line} ${Deno.readLinkSync(path)}`];
        return isDirectory ? [line, ...list(path)] : [`${line} ${Deno.readFileSync(path).toHex()}`];
      });
    return list(this.dir.path).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
    await this.downloads[Symbol.asyncDispose]();
  }
}

/** Homes that people have: each function makes one. */
const HOMES: Record<string, (home: Home) => void> = {
  "without ~/.ssh": () => {},
  "with an empty ~/.ssh": (home) => Deno.mkdirSync(home.path(".ssh"), { mode: 0o755 }),
  "with a configuration": (home) => config(home, "Host a\n  User b\n"),
  "with an empty configuration": (home) => config(home, ""),
  "with CRLF and no final newline": (home) => config(home, "Host a\r\n  User b"),
  "with a configuration that others may write": (home) => {
    config(home, "Host a\n");
    Deno.chmodSync(home.path(".ssh/config"), 0o666);
  },
  "with a configuration that is a link": (home) => {
    Deno.mkdirSync(home.path("dotfiles"));
    home.dir.write("dotfiles/ssh_config", "Host a\n", 0o644);
    Deno.mkdirSync(home.path(".ssh"), { mode: 0o700 });
    Deno.symlinkSync("../dotfiles/ssh_config", home.path(".ssh/config"));
  },
};

function config(home: Home, text: string): void {
  Deno.mkdirSync(home.path(".ssh"), { mode: 0o700 });
  home.dir.write(".ssh/config", text);
}

for (const [what, make] of Object.entries(HOMES)) {
  Deno.test(`setup twice, then undone, leaves a home ${what} as it was`, async () => {
    await using home = new Home();
    make(home);
    const before = home.snapshot();
    await home.setUp();
    const after = home.snapshot();
    const [first] = home.read(".ssh/config").split(/\r?\n/);
    assert.equal(first, "Include converge/config");
    assert.equal(Deno.statSync(home.path(".local/bin/wsproxy")).mode! & 0o777, 0o755);
    home.said.length = 0;
    await home.setUp();
    assert.deepEqual(home.snapshot(), after);
    assert.ok(home.said.some((line) => line.endsWith(".ssh/config: unchanged")), `${home.said}`);
    await home.undo();
    assert.deepEqual(home.snapshot(), before);
    await home.undo();
    assert.deepEqual(home.snapshot(), before);
  });
}

Deno.test("what a person adds meanwhile stays", async () => {
  await using home = new Home();
  await home.setUp();
  Deno.writeTextFileSync(home.path(".ssh/config"), "Host mine\n", { append: true });
  home.dir.write(".ssh/converge/mine", "mine");
  await home.undo();
  assert.equal(home.read(".ssh/config"), "Host mine\n");
  assert.equal(home.read(".ssh/converge/mine"), "mine");
});

Deno.test("a configuration that is read-only stays, and the person is told the line", async () => {
  await using home = new Home();
  config(home, "Host a\n");
  Deno.chmodSync(home.path(".ssh/config"), 0o400);
  await assert.rejects(
    home.setUp(),
    /: it is read-only; add "Include converge\/config" as its first line yourself$/,
  );
  assert.equal(home.read(".ssh/config"), "Host a\n");
  await home.undo();
  assert.deepEqual(home.snapshot().length, 2);
});

Deno.test("several servers by suffix, undone one by one", async () => {
  await using home = new Home();
  const before = home.snapshot();
  await home.setUp();
  await home.setUp("acme", { ...SERVER, url: "wss://acme.example" });
  const entries = () => home.read(".ssh/converge/config").match(/^Host \S+|wss:\S+/gm);
  const both = ["Host *.acme", "wss://acme.example", "Host *.converge", "wss://ci.example"];
  assert.deepEqual(entries(), both);
  await assert.rejects(home.undo("other"), /^Error: cannot undo "\.other": it is not set up$/);
  await home.undo("acme");
  assert.deepEqual(entries(), both.slice(2));
  await home.undo("converge");
  assert.deepEqual(home.snapshot(), before);
});

Deno.test("setup says so if ssh refuses the configuration because others can write to it", async () => {
  await using home = new Home();
  config(home, "Host a\n");
  Deno.chmodSync(home.path(".ssh/config"), 0o664);
  await home.setUp();
  assert.ok(home.said.some((line) => /ssh refuses it.*chmod go-w /.test(line)), `${home.said}`);
});

Deno.test("setup says what to do when a directory is not in PATH, or a file is damaged", async () => {
  await using home = new Home();
  await home.setUp();
  assert.ok(home.said.includes('  export PATH="$HOME/.local/bin:$PATH"'), home.said.join("\n"));
  home.dir.write(".ssh/converge/setup.json", "{");
  await assert.rejects(
    home.setUp(),
    /setup\.json": .*; delete the file and run wsproxy setup again/,
  );
});
