import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeIfMissing, modifiedTime, WatchedFile } from "../../lib/agent/watched_file.ts";
import { createLog } from "../../lib/log/log.ts";
import { run, TempDir } from "../support/program.ts";

const HOUR = 3_600_000;

/** Collects what a watched file tells and logs, and lets tests wait for the news that fits. */
class News {
  readonly all: (number | undefined)[] = [];
  readonly lines: string[] = [];
  #arrived = Promise.withResolvers<void>();

  readonly onChange = (modified: number | undefined) => {
    this.all.push(modified);
    this.#wake();
  };

  readonly write = (line: string) => {
    this.lines.push(line);
    this.#wake();
  };

  async until(fits: (modified: number | undefined) => boolean): Promise<void> {
    while (this.all.length === 0 || !fits(this.all.at(-1))) await this.#arrived.promise;
  }

  async logged(text: string): Promise<void> {
    while (!this.lines.some((line) => line.includes(text))) await this.#arrived.promise;
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}

const present = (modified: number | undefined) => modified !== undefined;
const gone = (modified: number | undefined) => modified === undefined;

function watch(path: string) {
  const news = new News();
  const log = createLog({ level: "debug", write: news.write });
  const file = new WatchedFile(path, { log, lookEvery: 20, onChange: news.onChange });
  return { news, file };
}

Deno.test("a removal is told to those who have learnt of the file otherwise", async () => {
  await using dir = new TempDir();
  const news = new News();
  const log = createLog({ write: news.write });
  let known: number | undefined = 1;
  const onChange = (modified: number | undefined) => {
    known = modified;
    news.onChange(modified);
  };
  const options = { log, onChange, known: () => known, lookEvery: 1 };
  await using _watched = new WatchedFile(join(dir.path, "file"), options);
  await news.until((modified) => modified === undefined);
  assert.deepEqual(news.all, [undefined]);
});

Deno.test("WatchedFile tells of a file that is there from the start", async () => {
  await using dir = new TempDir();
  const path = dir.write(".hold", "");
  const { news, file } = watch(path);
  await using _ = file;
  await news.until((modified) => modified === Deno.statSync(path).mtime!.getTime());
});

Deno.test("WatchedFile sees a file made, touched into the future and removed", async () => {
  await using dir = new TempDir();
  const path = dir.write(".hold", "");
  const { news, file } = watch(path);
  await using _ = file;
  await news.until(present);
  Deno.removeSync(path);
  await news.until(gone);
  makeIfMissing("hold file", path);
  await news.until(present);
  const later = new Date(Date.now() + HOUR);
  Deno.utimeSync(path, later, later);
  await news.until((modified) => modified! > Date.now() + HOUR / 2);
});

Deno.test("WatchedFile goes on, and ends, beside a pipe that nobody writes to", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using dir = new TempDir();
  const path = join(dir.path, ".hold");
  const { news, file } = watch(path);
  await using _ = file;
  assert.equal((await run("mkfifo", [join(dir.path, "pipe"), path])).code, 0);
  await news.until(present);
  Deno.removeSync(path);
  await news.until(gone);
});

Deno.test("WatchedFile survives its directory vanishing and coming back", async () => {
  await using dir = new TempDir();
  const directory = join(dir.path, "job");
  const path = join(directory, ".hold");
  Deno.mkdirSync(directory);
  Deno.writeTextFileSync(path, "");
  const { news, file } = watch(path);
  await using _ = file;
  await news.until(present);
  Deno.removeSync(directory, { recursive: true });
  await news.until(gone);
  Deno.mkdirSync(directory);
  Deno.writeTextFileSync(path, "");
  await news.until(present);
  Deno.removeSync(path);
  await news.until(gone);
});

Deno.test("WatchedFile sees what happens behind a link", async () => {
  await using dir = new TempDir();
  await using elsewhere = new TempDir();
  const path = join(dir.path, ".hold");
  const target = join(elsewhere.path, "target");
  Deno.symlinkSync(target, path);
  const { news, file } = watch(path);
  await using _ = file;
  Deno.writeTextFileSync(target, "");
  await news.until(present);
  const later = new Date(Date.now() + HOUR);
  Deno.utimeSync(target, later, later);
  await news.until((modified) => modified! > Date.now() + HOUR / 2);
  Deno.removeSync(target);
  await news.until(gone);
  Deno.mkdirSync(target);
  await news.until(present);
});

Deno.test("WatchedFile does not take a file it cannot look at for one that is gone", async () => {
  await using dir = new TempDir();
  const path = join(dir.path, ".hold");
  // A link to itself cannot be followed.
  Deno.symlinkSync(path, path);
  const { news, file } = watch(path);
  await using _ = file;
  await news.logged("cannot check a watched file");
  Deno.removeSync(path);
  makeIfMissing("hold file", path);
  await news.until(present);
  assert.ok(!news.all.includes(undefined));
});

Deno.test("makeIfMissing() keeps the time of a file that is there", async () => {
  await using dir = new TempDir();
  const path = join(dir.path, ".hold");
  makeIfMissing("hold file", path);
  const later = new Date(Date.now() + HOUR);
  Deno.utimeSync(path, later, later);
  makeIfMissing("hold file", path);
  assert.ok(Deno.statSync(path).mtime! > new Date(Date.now() + HOUR / 2));
});

Deno.test("makeIfMissing() takes a directory as it is, and names what it cannot make", async () => {
  await using dir = new TempDir();
  makeIfMissing("hold file", dir.path);
  const path = join(dir.path, "none", ".hold");
  assert.throws(() => makeIfMissing("hold file", path), {
    message: /^cannot create the hold file ".*none.*": no such directory$/,
  });
});

Deno.test("makeIfMissing() makes nothing behind a link that leads nowhere", async () => {
  await using dir = new TempDir();
  const path = join(dir.path, ".hold");
  Deno.symlinkSync(join(dir.path, "elsewhere"), path);
  assert.throws(() => makeIfMissing("hold file", path), {
    message: /^cannot create the hold file ".*": it exists, but cannot be used$/,
  });
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), [".hold"]);
});

Deno.test("modifiedTime() is a date that can be written, however far away it is", {
  ignore: !existsSync("/dev/shm"),
}, async () => {
  // Not every file system keeps such times.
  const path = Deno.makeTempFileSync({ dir: "/dev/shm", prefix: "converge-test-" });
  try {
    for (const seconds of ["99999999999999", "999999999999", "9999999999"]) {
      assert.equal((await run("touch", ["-d", `@${seconds}`, path])).code, 0);
      const time = modifiedTime(path, undefined)!;
      assert.ok(time > Date.now() + HOUR);
      assert.match(new Date(time + HOUR).toISOString(), /^(9999|2286)-/);
    }
  } finally {
    Deno.removeSync(path);
  }
});
