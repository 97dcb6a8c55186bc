/**
 * Stands for npm:sodium-native in executables: loads its native code, which is embedded under the
 * name below. On Linux no file is written for that.
 *
 * @module
 */
import { createRequire } from "node:module";
import process from "node:process";
import type { Sodium } from "./sodium.ts";

const FILE = "./sodium.node";

/** A flag of memfd_create(2). */
const MFD_CLOEXEC = 1;

function load(): Sodium {
  return Deno.build.os === "linux"
    ? loadFromMemory(Deno.readFileSync(new URL(FILE, import.meta.url)))
    : createRequire(import.meta.url)(FILE);
}

/** Loads native code from a file that exists in memory alone. */
function loadFromMemory(code: Uint8Array): Sodium {
  const libc = Deno.dlopen("libc.so.6", {
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { memfd_create, close } = libc.symbols;
  const descriptor = memfd_create(new TextEncoder().encode("sodium\0"), MFD_CLOEXEC);
  try {
    if (descriptor < 0) throw new Error("the system has no files in memory");
    const path = `/proc/self/fd/${descriptor}`;
    Deno.writeFileSync(path, code);
    const module = { exports: {} };
    process.dlopen(module, path);
    return module.exports as Sodium;
  } finally {
    close(descriptor);
    libc.close();
  }
}

export default load();
