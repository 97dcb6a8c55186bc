/** Makes an npm package of a bundle, as a file that npm installs: a tar archive, compressed. */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { VERSION } from "../../dist/version.ts";

const BLOCK = 512;

/** A file in an archive. */
interface Entry {
  name: string;
  bytes: Uint8Array;
  mode: number;
}

/** The header of a file in the ustar format (POSIX.1-1988); all times are 1985, as npm has them. */
function header({ name, bytes, mode }: Entry): Uint8Array {
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, "0");
  const fields: [at: number, text: string][] = [
    [0, `package/${name}`],
    [100, octal(mode, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(bytes.length, 12)],
    [136, octal(Date.UTC(1985, 9, 26, 8, 15) / 1_000, 12)],
    // The checksum counts as spaces while it is made.
    [148, " ".repeat(8)],
    [156, "0"],
    [257, "ustar\0" + "00"],
  ];
  const block = new Uint8Array(BLOCK);
  const write = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  for (const [at, text] of fields) write(at, text);
  write(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 7)}\0 `);
  return block;
}

/** An archive: for each file a header and whole blocks, at the end two blocks of zeros. */
function tar(entries: Entry[]): Uint8Array {
  const blocks = entries.flatMap((entry) => [
    header(entry),
    entry.bytes,
    new Uint8Array((BLOCK - entry.bytes.length % BLOCK) % BLOCK),
  ]);
  return Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]);
}

/**
 * The package of a program: `npm install -g FILE` puts the program on PATH.
 *
 * @param bundle the program in one module, which runs on Node
 * @param license the text of the project's licence
 */
export function npmPackage(program: string, bundle: string, license: string): Uint8Array {
  const encode = (text: string) => new TextEncoder().encode(text);
  const description = {
    name: `@converge/${program}`,
    version: VERSION,
    description: `${program} of Converge: the way into a running CI job`,
    license: "MIT",
    type: "module",
    bin: { [program]: `${program}.js` },
    engines: { node: ">=20.19" },
  };
  return gzipSync(tar([
    { name: "package.json", bytes: encode(JSON.stringify(description, null, 2)), mode: 0o644 },
    { name: "LICENSE", bytes: encode(license), mode: 0o644 },
    { name: `${program}.js`, bytes: encode(bundle), mode: 0o755 },
  ]));
}
