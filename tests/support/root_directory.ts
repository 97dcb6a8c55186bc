/** Directories in which programs run as in a container: with another root, alone, on Linux. */
import { join } from "node:path";
import { linkOrCopy } from "./files.ts";
import { TempDir } from "./program.ts";

export interface ContainerOptions {
  /** The whole environment. @default PATH only */
  env?: Record<string, string>;
  /** User and group, by number. @default 0 */
  user?: number;
  /** Whether /proc is mounted. @default true */
  proc?: boolean;
  /** How /tmp is mounted, for instance "ro" or "noexec". @default as any directory */
  tmp?: string;
  /** Whether the program is process 1 itself, or started by it. @default false */
  first?: boolean;
}

/** Whether this machine can run programs that way. */
export const CONTAINERS: boolean = Deno.build.os === "linux" && Deno.uid() === 0;

/**
 * Enters the root directory $1 with the job's directory $2 as user $3, with /proc if $4 is true and
 * /tmp mounted as $5 says; $6 says whether what follows becomes process 1.
 */
const ENTER = `
set -e
root=$1 job=$2 user=$3 proc=$4 tmp=$5 first=$6
shift 6
mount --rbind /dev "$root/dev"
[ "$proc" != true ] || mount -t proc proc "$root/proc"
mount --bind "$job/tmp" "$root/tmp"
[ -z "$tmp" ] || mount -o "remount,bind,$tmp" "$root/tmp"
mount --bind "$job/srv" "$root/srv"
set -- unshare "--root=$root" --wd=/srv "--setgid=$user" "--setuid=$user" "$@"
[ "$first" != true ] || exec "$@"
"$@"
`;

/** A root directory, and what a job in it writes to; leaving its scope deletes it. */
export class RootDirectory implements AsyncDisposable {
  readonly #dir = new TempDir();
  readonly path: string;

  /** @param path an existing one, which stays as it is. @default an empty one */
  constructor(path?: string) {
    this.path = path ?? join(this.#dir.path, "root");
    for (const name of ["dev", "proc", "tmp", "srv"]) {
      Deno.mkdirSync(join(this.path, name), { recursive: true });
    }
    for (const name of ["tmp", "srv"]) {
      Deno.mkdirSync(join(this.#dir.path, name));
      Deno.chmodSync(join(this.#dir.path, name), 0o1777);
    }
  }

  /** Puts a file in, at this path from the root. */
  async add(source: string, path: string): Promise<void> {
    const target = join(this.path, path);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await linkOrCopy(await Deno.realPath(source), target);
  }

  /** Puts a text in. */
  async write(path: string, text: string): Promise<void> {
    const target = join(this.path, path);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeTextFile(target, text);
  }

  /** Puts busybox in, with all its commands. */
  async addBusybox(): Promise<void> {
    await this.add("/bin/busybox", "/bin/busybox");
    const { stdout } = await new Deno.Command("busybox", { args: ["--list"] }).output();
    for (const name of new TextDecoder().decode(stdout).trim().split("\n")) {
      if (name !== "busybox") await Deno.symlink("busybox", join(this.path, "bin", name));
    }
  }

  /** The directory that programs in it see as /srv, where they start. */
  get job(): string {
    return join(this.#dir.path, "srv");
  }

  /** The files that lie in /srv and /tmp, by their paths in it. */
  left(): string[] {
    return ["srv", "tmp"].flatMap((dir) =>
      [...Deno.readDirSync(join(this.#dir.path, dir))].map(({ name }) => `/${dir}/${name}`)
    ).sort();
  }

  /** The command and its arguments that run a program in it. */
  command(program: string, args: string[], options: ContainerOptions = {}): [string, string[]] {
    const { env = {}, user = 0, proc = true, tmp = "", first = false } = options;
    const variables = Object.entries({ PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env })
      .map(([name, value]) => `${name}=${value}`);
    return ["unshare", [
      ...["--mount", "--pid", "--fork", "--kill-child"],
      ...["env", "-i", ...variables, "sh", "-c", ENTER, "sh", this.path, this.#dir.path],
      ...[String(user), String(proc), tmp, String(first), program, ...args],
    ]];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir[Symbol.asyncDispose]();
  }
}
