/** A person's computer: a home with a key, an ssh that knows no other, and our programs on PATH. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { run, TempDir } from "./program.ts";
import { ROOT } from "./root.ts";

/** Writes scripts into a directory that run our programs from source, under their names. */
export function writePrograms(directory: TempDir, names = ["agent", "wsproxy", "tunnel"]): void {
  for (const name of names) {
    const command = `'${Deno.execPath()}' run --no-check -A '${join(ROOT, `${name}.ts`)}' "$@"`;
    directory.write(name, `#!/bin/sh\nexec ${command}\n`, 0o755);
  }
}

/** Lists the checksums of programs in a directory, as a server's `SHA256SUMS` does. */
export function writeChecksums(directory: TempDir, names: string[]): void {
  const sums = names.map((name) => {
    const bytes = Deno.readFileSync(join(directory.path, name));
    return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  directory.write("SHA256SUMS", sums.join(""));
}

/** The environment of a person with this home. */
export function homeEnv(HOME: string): Record<string, string> {
  // Our sources run from the cache that is there already.
  const DENO_DIR = Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME")!, ".cache/deno");
  // ssh passes its ProxyCommand to this shell.
  return { HOME, DENO_DIR, SHELL: "/bin/sh" };
}

/** What {@link makeHome} made. */
export interface Home {
  /** For programs of that person. */
  env: Record<string, string>;
  /** The public key. */
  key: string;
  /** The content of the ssh_config in `config`. */
  config: string;
}

/**
 * Makes a home with a key. OpenSSH looks for its files in the home that the system's list of users
 * names, so scripts named ssh and sftp hand it the file `config` of this one.
 */
export async function makeHome(home: TempDir): Promise<Home> {
  const key = join(home.path, "key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "it's $(me) & co", "-f", key]);
  const config = `IdentityFile ${key}\nIdentitiesOnly yes\nIdentityAgent none\n` +
    `UserKnownHostsFile ${home.path}/known_hosts\n`;
  const file = home.write("config", config);
  for (const name of ["ssh", "sftp"]) {
    home.write(name, `#!/bin/sh\nexec /usr/bin/${name} -F '${file}' "$@"\n`, 0o755);
  }
  const PATH = `${home.path}:${Deno.env.get("PATH")}`;
  const env = { ...homeEnv(home.path), PATH };
  return { env, key: Deno.readTextFileSync(`${key}.pub`), config };
}
