/** The kinds of machines and containers that jobs run in, each as a root directory. */
import type { ContainerOptions, RootDirectory } from "../support/root_directory.ts";

export interface Environment {
  name: string;
  /** The file in `dist`. @default "agent" */
  agent?: string;
  /** What runs it, where this machine's processor does not. */
  emulator?: string[];
  /** The programs that it is made of, as packages.txt has them. */
  needs: string[];
  /** Fills the empty root directory. @default nothing is put in */
  fill?: (root: RootDirectory) => Promise<void>;
  /** A release of Debian, whose directory takes a minute to make: not for each run of the tests. */
  suite?: string;
  options?: ContainerOptions;
  /** What of the agent works there. */
  works: string[];
}

const ALL = ["exec", "sftp", "terminal"];

const PASSWD = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n";

/** As Alpine Linux has it: musl, busybox, and nothing of glibc. */
async function musl(root: RootDirectory): Promise<void> {
  await root.addBusybox();
  await root.add("/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1");
  await root.write("/etc/passwd", PASSWD);
}

/** glibc without libgcc_s, as slim images have it. */
async function slim(root: RootDirectory): Promise<void> {
  await root.addBusybox();
  await root.add("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2");
  for (const name of ["libc.so.6", "libm.so.6"]) {
    await root.add(`/lib/x86_64-linux-gnu/${name}`, `/lib/x86_64-linux-gnu/${name}`);
  }
  await root.write("/etc/passwd", PASSWD);
}

async function emulated(root: RootDirectory): Promise<void> {
  await musl(root);
  await root.add("/usr/bin/qemu-aarch64-static", "/qemu");
}

const MUSL = { needs: ["busybox", "musl"], fill: musl, works: ALL };
const DEBIAN = { needs: ["debootstrap"], works: ALL };
const SLIM = { needs: ["busybox"], fill: slim, works: ALL };

export const ENVIRONMENTS: readonly Environment[] = [
  { name: "musl and busybox (Alpine)", ...MUSL },
  { name: "musl, as a user without a passwd entry", ...MUSL, options: { user: 1234 } },
  { name: "musl, as process 1", ...MUSL, options: { first: true } },
  { name: "glibc without libgcc_s (slim images)", ...SLIM },
  { name: "a read-only /tmp", ...SLIM, options: { tmp: "ro" } },
  { name: "a /tmp mounted noexec", ...SLIM, options: { tmp: "noexec" } },
  { name: "no /proc", ...MUSL, options: { proc: false }, works: [] },
  { name: "no shell (distroless)", needs: [], works: ["sftp"] },
  {
    name: "musl on ARM64 (under QEMU)",
    agent: "agent-linux-arm64",
    emulator: ["/qemu"],
    needs: [...MUSL.needs, "qemu-aarch64-static"],
    fill: emulated,
    works: ALL,
  },
  { name: "Debian 11, with glibc 2.31", ...DEBIAN, suite: "bullseye" },
  { name: "Debian 12", ...DEBIAN, suite: "bookworm" },
  {
    name: "Debian 13, as a user without a passwd entry",
    ...DEBIAN,
    suite: "trixie",
    options: { user: 1234 },
  },
  {
    name: "Debian's next release, as process 1",
    ...DEBIAN,
    suite: "sid",
    options: { first: true },
  },
];
