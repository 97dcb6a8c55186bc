import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { COMPRESSED_SUFFIXES, compressFile } from "../../../lib/build/output/compress.ts";
import type { BuildState } from "../../../lib/dist/build_state.ts";
import { serveStatic } from "../../../lib/server/http/static_files.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

/** Larger than what is read at a time, and compressible. */
const AGENT = new TextEncoder().encode("not really an agent\n".repeat(50_000));
const SHA256 = createHash("sha256").update(AGENT).digest("hex");

const READY: BuildState = { status: "ready", names: new Set(), done: Promise.resolve() };

/** A directory with an agent, its compressed copies and the list of checksums. */
async function writeDist(dir: TempDir, content = AGENT): Promise<void> {
  const path = dir.write("agent", content);
  for (const suffix of COMPRESSED_SUFFIXES) await compressFile(path, suffix);
  const sum = createHash("sha256").update(content).digest("hex");
  dir.write("SHA256SUMS", `${sum}  agent\n`);
}

async function serveDir(dir: TempDir, state = READY): Promise<TestServer> {
  return await startTestServer({}, {
    staticFiles: (request, name) => serveStatic(request, name, { dirs: [dir.path], state }),
  });
}

/** Asks without a server. */
async function ask(
  dir: TempDir,
  name: string,
  headers: HeadersInit = {},
  init: RequestInit & { state?: BuildState } = {},
): Promise<Response> {
  const request = new Request(`http://localhost/static/${name}`, { ...init, headers });
  return await serveStatic(request, name, { dirs: [dir.path], state: init.state });
}

requires("curl")("serveStatic() answers as curl expects it", async (t) => {
  await using dir = new TempDir();
  await writeDist(dir);
  await using server = await serveDir(dir);
  await using downloads = new TempDir();
  const url = `${server.url}/static/agent`;
  const curl = async (...args: string[]) => {
    const result = await run("curl", ["-sS", "-D", "headers", ...args], { cwd: downloads.path });
    assert.equal(result.code, 0, result.stderr);
    return await Deno.readTextFile(join(downloads.path, "headers"));
  };
  const downloaded = () => Deno.readFileSync(join(downloads.path, "out"));

  await t.step("the file as it is", async () => {
    const headers = await curl("-o", "out", url);
    assert.deepEqual(downloaded(), AGENT);
    assert.match(headers, new RegExp(`^etag: "${SHA256}"\r$`, "m"));
    assert.match(headers, new RegExp(`^content-length: ${AGENT.length}\r$`, "m"));
    assert.match(headers, /^content-type: application\/octet-stream\r$/m);
    assert.match(headers, /^vary: accept-encoding\r$/m);
    assert.match(headers, /^cache-control: no-cache, no-transform\r$/m);
    assert.doesNotMatch(headers, /content-encoding/);
  });

  await t.step("compressed, as curl accepts it", async () => {
    const headers = await curl("--compressed", "-o", "out", url);
    assert.deepEqual(downloaded(), AGENT);
    assert.match(headers, /^content-encoding: (zstd|gzip)\r$/m);
  });

  await t.step("gzip", async () => {
    const headers = await curl("--compressed", "-H", "Accept-Encoding: gzip", "-o", "out", url);
    assert.deepEqual(downloaded(), AGENT);
    assert.match(headers, /^content-encoding: gzip\r$/m);
    assert.match(headers, new RegExp(`^etag: "${SHA256}-gzip"\r$`, "m"));
    assert.match(
      headers,
      new RegExp(`^content-length: ${Deno.statSync(join(dir.path, "agent.gz")).size}\r$`, "m"),
    );
  });

  await t.step("a download that broke off goes on", async () => {
    Deno.writeFileSync(join(downloads.path, "out"), AGENT.subarray(0, 300_001));
    const headers = await curl("-C", "-", "-o", "out", url);
    assert.match(headers, /^HTTP\/1.1 206 /);
    const last = AGENT.length - 1;
    assert.match(
      headers,
      new RegExp(`^content-range: bytes 300001-${last}/${AGENT.length}\r$`, "m"),
    );
    assert.deepEqual(downloaded(), AGENT);
  });

  await t.step("HEAD", async () => {
    const headers = await curl("-I", url);
    assert.match(headers, /^HTTP\/1.1 200 /);
    assert.match(headers, new RegExp(`^content-length: ${AGENT.length}\r$`, "m"));
  });

  await t.step("nothing for a client that has it already", async () => {
    const headers = await curl("-o", "out", "-H", `If-None-Match: "${SHA256}"`, url);
    assert.match(headers, /^HTTP\/1.1 304 /);
    const other = await curl("-o", "out", "-H", 'If-None-Match: "another"', url);
    assert.match(other, /^HTTP\/1.1 200 /);
  });

  await t.step("an encoded slash does not lead elsewhere", async () => {
    await curl("-o", "out", "--path-as-is", `${server.url}/static/..%2f..%2fetc%2fpasswd`);
    assert.match(new TextDecoder().decode(downloaded()), /^#!\/bin\/sh\n# HTTP status 404\n/);
  });
});

Deno.test("serveStatic() sends a part of the file itself, whatever the client accepts", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  const response = await ask(dir, "agent", { range: "bytes=5-9", "accept-encoding": "gzip" });
  assert.equal(response.status, 206);
  assert.equal(response.headers.get("content-encoding"), null);
  assert.deepEqual(await response.bytes(), AGENT.slice(5, 10));
});

Deno.test("serveStatic() sends all when If-Range names another version", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  const same = await ask(dir, "agent", { range: "bytes=5-9", "if-range": `"${SHA256}"` });
  assert.equal(same.status, 206);
  await same.body?.cancel();
  const other = await ask(dir, "agent", { range: "bytes=5-9", "if-range": '"old"' });
  assert.equal(other.status, 200);
  assert.deepEqual(await other.bytes(), AGENT);
});

Deno.test("serveStatic() answers 416 with the size when a range lies outside", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  const response = await ask(dir, "agent", { range: `bytes=${AGENT.length}-` });
  assert.equal(response.status, 416);
  assert.equal(response.headers.get("content-range"), `bytes */${AGENT.length}`);
});

Deno.test("serveStatic() takes gzip when there is no copy for zstd", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  await Deno.remove(join(dir.path, "agent.zst"));
  const response = await ask(dir, "agent", { "accept-encoding": "gzip, zstd" });
  assert.equal(response.headers.get("content-encoding"), "gzip");
  await response.body?.cancel();
});

Deno.test("serveStatic() gives a changed file another ETag, listed or not", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  const etag = async () => {
    const response = await ask(dir, "agent", {}, { method: "HEAD" });
    return response.headers.get("etag");
  };
  const hex = (text: string) => createHash("sha256").update(text).digest("hex");
  assert.equal(await etag(), `"${SHA256}"`);
  await writeDist(dir, new TextEncoder().encode("built again"));
  assert.equal(await etag(), `"${hex("built again")}"`);
  dir.write("agent", "changed by hand");
  await Deno.utime(join(dir.path, "SHA256SUMS"), 1, 1);
  assert.equal(await etag(), `"${hex("changed by hand")}"`);
});

Deno.test("serveStatic() knows the types of what pages need", async () => {
  await using dir = new TempDir();
  for (
    const [name, type] of [
      ["style.css", "text/css; charset=utf-8"],
      ["copy.js", "text/javascript; charset=utf-8"],
      ["icon.svg", "image/svg+xml"],
      ["SHA256SUMS", "text/plain; charset=utf-8"],
      ["agent.exe", "application/octet-stream"],
    ] as const
  ) {
    dir.write(name, "x");
    const response = await ask(dir, name, {}, { method: "HEAD" });
    assert.equal(response.headers.get("content-type"), type);
  }
});

Deno.test("serveStatic() serves executables by what uname says too", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  dir.write("agent-linux-arm64", "for ARM");
  const plain = await ask(dir, "agent-Linux-x86_64", { "accept-encoding": "gzip" });
  assert.equal(plain.headers.get("etag"), `"${SHA256}-gzip"`);
  await plain.body?.cancel();
  assert.equal(await (await ask(dir, "agent-Linux-aarch64")).text(), "for ARM");
});

Deno.test("serveStatic() serves nothing but the directory's plain files", async () => {
  await using dir = new TempDir();
  dir.write(".build.json", "{}");
  await Deno.mkdir(join(dir.path, "sub"));
  for (const name of [".build.json", "sub", "../x", "..", ".", "", "a/b", "a\\b", "a\0"]) {
    const request = new Request("http://localhost/");
    const response = await serveStatic(request, name, { dirs: [dir.path] });
    assert.equal(response.status, 404, JSON.stringify(name));
    await response.body?.cancel();
  }
});

/** Runs a downloaded body as people do. */
async function runAsProgram(response: Response) {
  await using dir = new TempDir();
  const path = dir.write("agent", await response.text(), 0o755);
  return await run("sh", ["-c", `"${path}" --id x ws://localhost`]);
}

Deno.test("what is missing is a script that says why and fails", async (t) => {
  await using dir = new TempDir();
  const names = new Set(["agent"]);
  const done = Promise.resolve();

  await t.step("while it is built", async () => {
    const response = await ask(dir, "agent", {}, { state: { status: "building", names, done } });
    assert.equal(response.status, 503);
    assert.match(response.headers.get("retry-after") ?? "", /^\d+$/);
    const { code, stdout, stderr } = await runAsProgram(response);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^agent: still being built: try again in \d+ seconds\n$/);
  });

  await t.step("when it could not be built", async () => {
    const reason = "it's $(touch /tmp/x) `no`\nuse";
    const state = { status: "failed", names, reason, done } as const;
    const response = await ask(dir, "agent", {}, { state });
    assert.equal(response.status, 503);
    const { code, stderr } = await runAsProgram(response);
    assert.deepEqual(
      [code, stderr],
      [1, "agent: cannot be built: it's $(touch /tmp/x) `no` use\n"],
    );
  });

  await t.step("when nobody asked for it", async () => {
    const response = await ask(dir, "agent-darwin-arm64", {}, { state: READY });
    assert.equal(response.status, 404);
    const { code, stderr } = await runAsProgram(response);
    assert.equal(code, 1);
    assert.match(stderr, /its operator can build it with "deno task build darwin-arm64"\n$/);
  });

  await t.step("without one for what uname says", async () => {
    const response = await ask(dir, "agent-Linux-riscv64", {}, { state: READY });
    assert.equal(response.status, 404);
    const { code, stderr } = await runAsProgram(response);
    assert.equal(code, 1);
    assert.match(stderr, /^agent-Linux-riscv64: there is no executable for this system, only for /);
    assert.match(stderr, /Linux-x86_64, Linux-aarch64, Darwin-arm64, Darwin-x86_64\n$/);
  });

  await t.step("when the name means nothing", async () => {
    const response = await ask(dir, "'; rm -rf x; '", {}, { state: READY });
    assert.equal(response.status, 404);
    const { code, stderr } = await runAsProgram(response);
    assert.deepEqual([code, stderr], [1, "'; rm -rf x; ': no such file on this server\n"]);
  });
});

Deno.test("a client that goes away halfway closes the file", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  const response = await ask(dir, "agent");
  const reader = response.body!.getReader();
  assert.ok((await reader.read()).value);
  // The leak check of the test sees whether the file is closed.
  await reader.cancel();
});

Deno.test("a file that is replaced while it is sent arrives whole", async () => {
  await using dir = new TempDir();
  await writeDist(dir);
  const response = await ask(dir, "agent");
  const part = dir.write("part", "something else");
  await Deno.rename(part, join(dir.path, "agent"));
  assert.deepEqual(await response.bytes(), AGENT);
});
