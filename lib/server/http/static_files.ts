/** Serves files: executables, styles and scripts. */
import { createHash } from "node:crypto";
import { basename, dirname, extname, join } from "node:path";
import type { BuildState } from "../../dist/build_state.ts";
import { fileNameOf } from "../../dist/targets.ts";
import { pickEncoding } from "./accept_encoding.ts";
import { parseRange } from "./byte_range.ts";
import { missingFile } from "./missing_file.ts";

export interface StaticOptions {
  /** The directories to look in, in this order. */
  dirs: readonly string[];
  /** The state of the build of the executables. */
  state?: BuildState;
}

/** A file, at most one directory deep; no backslashes, no hidden files. */
const NAME = /^([a-z]+\/)?[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** The file of checksums that the build writes. */
const SUMS = "SHA256SUMS";

const TEXT = "text/plain; charset=utf-8";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".gz": "application/gzip",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": TEXT,
  ".zst": "application/zstd",
};

/** The suffixes of compressed copies by encoding, the best first. */
const COPIES = { zstd: ".zst", gzip: ".gz" } as const;
type Encoding = keyof typeof COPIES;

/** How much is read at a time, in bytes. */
const CHUNK_SIZE = 256 * 1024;

/** An open file. */
interface OpenFile extends Disposable {
  file: Deno.FsFile;
  path: string;
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  mtime: number;
}

/**
 * Answers GET and HEAD of the file `name`: whole, in part (Range), compressed, or 304 when the
 * client has it already. An executable has a second name, see `fileNameOf()`; for a missing file
 * see `missingFile()`.
 */
export async function serveStatic(
  request: Request,
  name: string,
  options: StaticOptions,
): Promise<Response> {
  using open = new DisposableStack();
  const file = fileNameOf(name);
  for (const dir of NAME.test(file) ? options.dirs : []) {
    const found = await openFile(join(dir, file));
    if (found !== undefined) return await serve(request, open.use(found), open);
  }
  return missingFile(file, options.state);
}

/**
 * @param open disposes of the file, unless it is moved into the response's body
 */
async function serve(
  request: Request,
  found: OpenFile,
  open: DisposableStack,
): Promise<Response> {
  const hash = await contentHash(found);
  const headers = new Headers({
    "content-type": basename(found.path) === SUMS
      ? TEXT
      : TYPES[extname(found.path)] ?? "application/octet-stream",
    // Files change, so ask each time. A proxy must not compress 100 MB again.
    "cache-control": "no-cache, no-transform",
    "accept-ranges": "bytes",
    "vary": "accept-encoding",
  });
  const ifRange = request.headers.get("if-range");
  const range = request.method === "GET" && (ifRange === null || ifRange === `"${hash}"`)
    ? parseRange(request.headers.get("range"), found.size)
    : undefined;
  // A range is always of the file itself, so that it fits what the client has of it.
  const copy = range === undefined ? await openCopy(request, found.path) : undefined;
  if (copy !== undefined) open.use(copy);
  const etag = copy === undefined ? `"${hash}"` : `"${hash}-${copy.encoding}"`;
  headers.set("etag", etag);
  if (matches(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${found.size}`);
    return new Response(null, { status: 416, headers });
  }
  const { file, size } = copy ?? found;
  const { start, end } = range ?? { start: 0, end: size };
  if (range !== undefined) headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
  if (copy !== undefined) headers.set("content-encoding", copy.encoding);
  headers.set("content-length", `${end - start}`);
  const status = range === undefined ? 200 : 206;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  if (start > 0) await file.seek(start, Deno.SeekMode.Start);
  return new Response(fileStream(file, end - start, open.move()), { status, headers });
}

/** Opens a file; undefined if it does not exist. */
async function openFile(path: string): Promise<OpenFile | undefined> {
  try {
    if (!(await Deno.stat(path)).isFile) return undefined;
    const file = await Deno.open(path);
    // Files within an executable have no other stat than that of their path.
    const { size, mtime } = await file.stat().catch(() => Deno.stat(path));
    return {
      ...{ file, path, size, mtime: mtime?.getTime() ?? 0 },
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Opens the best compressed copy that the client accepts, if any. */
async function openCopy(
  request: Request,
  path: string,
): Promise<OpenFile & { encoding: Encoding } | undefined> {
  const accepted = request.headers.get("accept-encoding");
  let offered = Object.keys(COPIES) as Encoding[];
  for (;;) {
    const encoding = pickEncoding(accepted, offered);
    if (encoding === undefined) return undefined;
    const copy = await openFile(path + COPIES[encoding]);
    if (copy !== undefined) return { ...copy, encoding };
    offered = offered.filter((name) => name !== encoding);
  }
}

/** The content of an open file; `open` is disposed of at its end. */
function fileStream(
  file: Deno.FsFile,
  length: number,
  open: DisposableStack,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = length;
  return new ReadableStream({
    async pull(controller) {
      const chunk = new Uint8Array(Math.min(left, CHUNK_SIZE));
      const count = left === 0 ? null : await file.read(chunk);
      if (count !== null) {
        left -= count;
        return controller.enqueue(chunk.subarray(0, count));
      }
      open.dispose();
      // The build never changes a file in place, but someone may have cut it.
      if (left > 0) controller.error(new Error("the file shrank while it was sent"));
      else controller.close();
    },
    cancel: () => open.dispose(),
  }, { highWaterMark: 0 });
}

/** The SHA-256 of each file that was served, by path, while the file stays the same. */
const hashes = new Map<string, { stamp: string; hash: Promise<string> }>();

/** The SHA-256 of a file in hexadecimal. */
async function contentHash(found: OpenFile): Promise<string> {
  const { path, size, mtime } = found;
  const stamp = `${size} ${mtime}`;
  let known = hashes.get(path);
  if (known?.stamp !== stamp) {
    known = { stamp, hash: listedHash(found).then((hash) => hash ?? computeHash(path)) };
    hashes.set(path, known);
    known.hash.catch(() => hashes.delete(path));
  }
  return await known.hash;
}

/** The hash in SHA256SUMS, if that is not older than the file. */
async function listedHash({ path, mtime }: OpenFile): Promise<string | undefined> {
  const sums = join(dirname(path), SUMS);
  try {
    const listedAt = (await Deno.stat(sums)).mtime?.getTime() ?? 0;
    if (listedAt < mtime) return undefined;
    const lines = (await Deno.readTextFile(sums)).split("\n");
    return lines.find((line) => line.endsWith(`  ${basename(path)}`))?.slice(0, 64);
  } catch {
    return undefined;
  }
}

async function computeHash(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const chunk = new Uint8Array(CHUNK_SIZE);
  for (let n = await file.read(chunk); n !== null; n = await file.read(chunk)) {
    hash.update(chunk.subarray(0, n));
  }
  return hash.digest("hex");
}

/** Whether If-None-Match (RFC 9110, section 13.1.2) names `etag`. */
function matches(header: string | null, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}
