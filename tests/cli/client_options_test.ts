import assert from "node:assert/strict";
import { type ClientOptions, tunnelCommand, wsproxyCommand } from "../../lib/cli/client_options.ts";
import { parseCommand } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";

async function wsproxy(...args: string[]): Promise<[string, ClientOptions]> {
  const result = Promise.withResolvers<[string, ClientOptions]>();
  const command = wsproxyCommand((url, options) => {
    result.resolve([url.href, options]);
    return Promise.resolve();
  });
  await parseCommand(command, args);
  return await result.promise;
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
  ) assert.deepEqual(await wsproxy(given), [expected, {}]);
});

Deno.test("wsproxy takes its options anywhere, headers several times", async () => {
  const args = ["--insecure", "--header", "A: b:c", "ws://h/", "--header=D:", "--ca-file", "f"];
  assert.deepEqual(await wsproxy(...args), ["ws://h/", {
    insecure: true,
    caFile: "f",
    header: [["A", "b:c"], ["D", ""]],
  }]);
});

Deno.test("tunnel takes a port and an address to listen on", async () => {
  assert.deepEqual(await tunnel("10000", "ws://h/"), [10000, "ws://h/", { listen: "127.0.0.1" }]);
  const args = ["--listen", "::1", "0", "wss://h/", "--insecure"];
  assert.deepEqual(await tunnel(...args), [0, "wss://h/", { listen: "::1", insecure: true }]);
});

for (
  const args of [[], ["host"], ["ftp://host/"], ["ws://a", "ws://b"], ["--nope", "ws://a"]]
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
