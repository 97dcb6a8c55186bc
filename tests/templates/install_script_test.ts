/** install.sh, run as it is printed, from a real server. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { serveStatic } from "../../lib/server/http/static_files.ts";
import { installScript } from "../../templates/install_script.ts";
import { type ProgramResult, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startTestServer } from "../support/server.ts";

const WSPROXY = '#!/bin/sh\necho this is wsproxy "$@"\n';

/** A person's home, and a server with wsproxy for Linux on x86-64. */
class Installation implements AsyncDisposable {
  readonly home = new TempDir();
  readonly files = new TempDir();
  readonly #stack = new AsyncDisposableStack();
  url = "";

  static async start(sum = createHash("sha256").update(WSPROXY).digest("hex")) {
    const made = new Installation();
    made.#stack.use(made.home);
    made.#stack.use(made.files);
    made.files.write("wsproxy", WSPROXY);
    made.files.write("SHA256SUMS", `${sum}  wsproxy\n`);
    const server = await startTestServer({}, {
      pages: (_request, site) => new Response(installScript(site)),
      staticFiles: (request, name) => serveStatic(request, name, { dirs: [made.files.path] }),
    });
    made.#stack.use(server);
    made.url = `${server.url}/install.sh`;
    // As on the machine that the file is for.
    await Deno.mkdir(join(made.home.path, "bin"));
    made.home.write(
      "bin/uname",
      '#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo "${MACHINE-x86_64}" ;; esac\n',
      0o755,
    );
    made.home.write("bin/id", "#!/bin/sh\necho 1000\n", 0o755);
    return made;
  }

  /** Pipes the script into a shell. */
  async install(
    shell: string,
    args = "",
    env: Record<string, string> = {},
  ): Promise<ProgramResult> {
    const command = `curl -fsSL ${this.url} | ${shell} ${args}`;
    const PATH = `${this.home.path}/bin:${Deno.env.get("PATH")}`;
    return await run("sh", ["-c", command], { env: { HOME: this.home.path, PATH, ...env } });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

for (const shell of ["sh", "bash"]) {
  requires("curl", shell)(`install.sh puts wsproxy into ~/.local/bin: ${shell}`, async () => {
    await using installation = await Installation.start();
    const { code, stdout, stderr } = await installation.install(shell);
    assert.deepEqual([code, stderr], [0, ""]);
    const path = join(installation.home.path, ".local/bin/wsproxy");
    assert.match(stdout, new RegExp(`^installed ${path}\nadd it to your PATH: export PATH=`));
    assert.equal((await run(path, [])).stdout, "this is wsproxy\n");
    const names = [...Deno.readDirSync(join(path, ".."))].map(({ name }) => name);
    assert.deepEqual(names, ["wsproxy"]);
  });
}

const test = requires("curl");

test("install.sh replaces what is there, in the directory that is named", async () => {
  await using installation = await Installation.start();
  const { home } = installation;
  const path = home.write("bin/wsproxy", "old", 0o755);
  const { code, stdout } = await installation.install("sh", `-s -- wsproxy ${home.path}/bin`);
  assert.deepEqual([code, stdout], [0, `installed ${path}\n`]);
  assert.equal(await Deno.readTextFile(path), WSPROXY);
});

test("install.sh setup installs wsproxy and has it set up this server", async () => {
  await using installation = await Installation.start();
  const { code, stdout } = await installation.install("sh", "-s -- setup");
  const path = join(installation.home.path, ".local/bin/wsproxy");
  const server = installation.url.replace("/install.sh", "");
  assert.deepEqual(
    [code, stdout],
    [0, `installed ${path}\nthis is wsproxy setup ${server}\n`],
  );
});

test("install.sh installs nothing that has another checksum", async () => {
  await using installation = await Installation.start("5e".repeat(32));
  const { code, stderr } = await installation.install("sh");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^install\.sh: wsproxy has another SHA-256 than in .*nothing is installed\n$/,
  );
  assert.deepEqual([...Deno.readDirSync(join(installation.home.path, ".local/bin"))], []);
});

test("install.sh says what it cannot do", async () => {
  await using installation = await Installation.start();
  const unknown = await installation.install("sh", "-s -- emacs");
  assert.equal(unknown.code, 1);
  assert.match(
    unknown.stderr,
    /there is no program "emacs"; name wsproxy, tunnel, agent, server or setup/,
  );
  const machine = await installation.install("sh", "", { MACHINE: "riscv64" });
  assert.equal(machine.code, 1);
  assert.match(machine.stderr, /cannot download .*wsproxy-Linux-riscv64\n$/);
});

Deno.test("install.sh runs only if all of it arrives", async () => {
  const script = installScript({ http: "https://converge.example" });
  for (let end = 0; end < script.length - 12; end += 97) {
    const { stdout } = await run("/bin/sh", ["-c", script.slice(0, end)], {
      env: { PATH: "/nowhere" },
    });
    assert.equal(stdout, "");
  }
});
