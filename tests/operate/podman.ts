/** Runs scripts that use podman, on machines that may be containers themselves. */
import { type ProgramResult, run, type TempDir } from "../support/program.ts";

/** The programs that {@link inPodman} needs. */
export const PODMAN = ["podman", "crun", "netavark", "aardvark", "unshare", "ip"];

/** Settings of podman for a machine that may be a container itself. */
const CONTAINERS = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** What comes before a script. */
const PRELUDE = `
ip link set lo up
# crun takes either version of cgroups, not both.
if [ -d /sys/fs/cgroup/memory ]; then umount /sys/fs/cgroup/unified; fi
# Networks and their name servers are kept there, whatever the storage: scripts run side by side.
for dir in /run/containers /etc/containers/networks; do
  mkdir -p "$dir"
  mount -t tmpfs tmpfs "$dir"
done
printf '[storage]\\ndriver = "vfs"\\ngraphroot = "%s"\\nrunroot = "%s"\\n' "$PWD/store" "$PWD/run" \\
  > storage.conf
export CONTAINERS_STORAGE_CONF=$PWD/storage.conf CONTAINERS_CONF=$PWD/containers.conf
trap 'podman pod rm --all --force --time 5; podman rm --all --force --time 5; \
  podman volume rm --all; podman network prune --force' EXIT
# Stands in for an image of Docker's: image PROGRAM PATH NAME puts a program of this machine, with its
# libraries, into that path of an image of that name. Standard input has the rest of its description.
image() {
  local files="$3.files"
  for file in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do install -D "$file" "$files/files$file"; done
  install -D "$1" "$files/files$2"
  install -d "$files/tmp"
  { printf 'FROM scratch\nCOPY files /\nCOPY --chmod=1777 tmp /tmp\n'; cat; } > "$files/Containerfile"
  podman build -q -t "$3" "$files"
}
exec 4>&1 >&2
`;

/** Makes an image like Docker's of Caddy; for the scripts of {@link inPodman}. */
export const CADDY_IMAGE = `
image "$(command -v caddy)" /usr/bin/caddy docker.io/library/caddy:2 <<'END'
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/tmp
CMD ["/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
END
`;

/**
 * Runs a script of bash in a network of its own and with a storage of its own, which is removed at
 * the end with all that runs.
 *
 * @param script what it writes to descriptor 4 is the result's stdout
 */
export function inPodman(
  dir: TempDir,
  script: string,
  env?: Record<string, string>,
): Promise<ProgramResult> {
  dir.write("containers.conf", CONTAINERS);
  return run("unshare", ["-m", "-n", "bash", "-ec", PRELUDE + script], { cwd: dir.path, env });
}
