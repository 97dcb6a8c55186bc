import assert from "node:assert/strict";
import {
  type ClientOptions,
  tunnelCommand,
  wsproxyCommand,
  type WsproxyFlags,
} from "../../lib/cli/client_options.ts";
import { parseCommand } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";

/** What wsproxy would do: the command, its arguments and its options. */
async function wsproxyCalls(...args: string[]): Promise<unknown[]> {
  const calls: unknown[] = [];
  const note = (name: string) => (...given: unknown[]) => {
    // The last one is the command itself.
    calls.push(
      name,
      ...given.slice(0, -1).map((value) => value instanceof URL ? value.href : value),
    );
    return Promise.resolve();
  };
  const command = wsproxyCommand({
    run: note("run"),
    setUp: note("setup"),
    update: note("update"),
  });
  await parseCommand(command, args);
  return calls;
}

const DEFAULTS = { resumeTime: 300_000 };

async function wsproxy(...args: string[]): Promise<[string, WsproxyFlags]> {
  const [, url, , options] = await wsproxyCalls(...args);
  return [url as string, options as WsproxyFlags];
}

async function tunnel(...args: string[]): Promise<[number, string, ClientOptions]> {
  const result = Promise.withResolvers<[number, string, ClientOptions]>();
  const command = tunnelCommand((port, url, options) => {
    result.resolve([port, url.href, options]);
    return Promise.resolve();
  });
  await parseCommand(command, args);
  return await result.promise;
}

Deno.test("wsproxy takes a URL of four kinds", async () => {
  for (
    const [given, expected] of [
      ["ws://host/client/x", "ws://host/client/x"],
      ["wss://host:1/p/client/x?wait=5m", "wss://host:1/p/client/x?wait=5m"],
      ["http://host/x", "ws://host/x"],
      ["https://host/x", "wss://host/x"],
    ] as const
  ) assert.deepEqual(await wsproxy(given), [expected, DEFAULTS]);
});

Deno.test("a URL without a scheme is ws: for this machine, else wss:", async () => {
  for (
    const [given, expected] of [
      ["localhost:8000", "ws://localhost:8000/"],
      ["127.0.0.1:8000/p", "ws://127.0.0.1:8000/p"],
      ["[::1]:8000", "ws://[::1]:8000/"],
      ["ci.example", "wss://ci.example/"],
      ["ci.example:8443/p", "wss://ci.example:8443/p"],
    ] as const
  ) assert.deepEqual(await wsproxy(given), [expected, DEFAULTS]);
});

Deno.test("wsproxy takes the name of a host, and the commands beside it", async () => {
  const host = ["--known-hosts", "f", "--", "ws://h/", "job.converge"];
  assert.deepEqual(await wsproxyCalls(...host), [
    "run",
    "ws://h/",
    "job.converge",
    { ...DEFAULTS, knownHosts: "f" },
  ]);
  const setup = ["setup", "--suffix", "acme", "--ca-file", "f", "ci.example"];
  assert.deepEqual(await wsproxyCalls(...setup), [
    "setup",
    "wss://ci.example/",
    { suffix: "acme", caFile: "f" },
  ]);
  assert.deepEqual(await wsproxyCalls("setup", "--undo"), ["setup", undefined, { undo: true }]);
  assert.deepEqual(await wsproxyCalls("update"), ["update", undefined, {}]);
  // What ssh was given as a host name never becomes an option or another argument.
  for (const name of ["--insecure", "a --insecure"]) {
    assert.deepEqual(await wsproxyCalls("--", "ws://h/", name), ["run", "ws://h/", name, DEFAULTS]);
  }
  for (const suffix of ["a.b", "A", "", "*", "-a"]) {
    await assert.rejects(wsproxyCalls("setup", "--suffix", suffix, "ws://h/"), UsageError);
  }
});

Deno.test("wsproxy takes its options anywhere, headers several times", async () => {
  const args = ["--insecure", "--header", "A: b:c", "ws://h/", "--header=D:", "--ca-file", "f"];
  assert.deepEqual(await wsproxy(...args), ["ws://h/", {
    ...DEFAULTS,
    insecure: true,
    caFile: "f",
    header: [["A", "b:c"], ["D", ""]],
  }]);
});

Deno.test("tunnel takes a port and an address to listen on", async () => {
  assert.deepEqual(await tunnel("10000", "ws://h/"), [10000, "ws://h/", {
    ...DEFAULTS,
    listen: "127.0.0.1",
  }]);
  const args = ["--listen", "::1", "0", "wss://h/", "--insecure", "--resume-time", "0"];
  const expected = { listen: "::1", insecure: true, resumeTime: 0 };
  assert.deepEqual(await tunnel(...args), [0, "wss://h/", expected]);
});

for (
  const args of [[], ["host"], ["ftp://host/"], ["ws://a", "b", "c"], ["--nope", "ws://a"]]
) {
  Deno.test(`wsproxy rejects ${JSON.stringify(args)}`, async () => {
    await assert.rejects(wsproxy(...args), UsageError);
  });
}

for (
  const args of [["ws://a"], ["x", "ws://a"], ["65536", "ws://a"], ["-1", "ws://a"], ["1", "a"]]
) {
  Deno.test(`tunnel rejects ${JSON.stringify(args)}`, async () => {
    await assert.rejects(tunnel(...args), UsageError);
  });
}

for (const header of ["secret", ": secret", "a b: secret", "a: secret\nb: c"]) {
  Deno.test(`wsproxy rejects the header ${JSON.stringify(header)} without showing it`, async () => {
    await assert.rejects(wsproxy("--header", header, "ws://a"), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^cannot use --header: it must look like "Name: value"$/);
      return true;
    });
  });
}
