import assert from "node:assert/strict";
import { agentCommand, type AgentOptions } from "../../lib/cli/agent_options.ts";
import { parseCommand } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";

/** Which action the arguments lead to, and with what. */
function parse(...args: string[]): Promise<[action: string, options: unknown]> {
  return parseWith({}, ...args);
}

async function parseWith(
  env: Record<string, string>,
  ...args: string[]
): Promise<[action: string, options: unknown]> {
  let called: [string, unknown] | undefined;
  const action = (name: string) => (options: unknown) => {
    called = [name, options];
    return Promise.resolve();
  };
  const command = agentCommand({
    run: (server, options) => action(`run ${server.href}`)(options),
    wait: action("wait"),
    stop: action("stop"),
    status: action("status"),
    keygen: () => {},
    end: action("end"),
  }, env);
  await parseCommand(command, args);
  return called!;
}

async function options(...args: string[]): Promise<AgentOptions> {
  return (await parse(...args, "ws://host"))[1] as AgentOptions;
}

Deno.test("agentCommand() has the defaults that its help names", async () => {
  const { id: _, ...defaults } = await options();
  assert.deepEqual(defaults, {
    authorizedKeys: ".authorized_keys",
    expiry: 600_000,
    warningTime: 300_000,
    resumeTime: 300_000,
    logLevel: "info",
  });
});

Deno.test("agentCommand() warns in the second half of a short expiry, unless told otherwise", async () => {
  assert.equal((await options("--expiry", "2m")).warningTime, 60_000);
  assert.equal((await options("--expiry", "1h")).warningTime, 300_000);
  // Longer than the expiry: warnings all the time.
  const asked = await options("--expiry", "2m", "--warning-time", "5m");
  assert.equal(asked.warningTime, 300_000);
});

Deno.test("agentCommand() takes 0 for no time to resume", async () => {
  assert.equal((await options("--resume-time", "0")).resumeTime, 0);
  assert.equal((await options("--resume-time", "1h")).resumeTime, 3_600_000);
  await assert.rejects(options("--resume-time", "5"), /"5" is not a duration/);
});

Deno.test("agentCommand() has a log file in the background, or anywhere", async () => {
  assert.equal((await options()).logFile, undefined);
  assert.equal((await options("--log-file", "a.log")).logFile, "a.log");
  assert.equal((await options("--detach")).logFile, ".converge/agent.log");
  assert.equal((await options("--detach", "--log-file", "a.log")).logFile, "a.log");
});

Deno.test("agentCommand() takes several files and types of host keys", async () => {
  const { hostKey, hostKeyTypes } = await options(
    ...["--host-key", "a", "--host-key", "b", "--host-key-types", "ecdsa,ed25519,ecdsa"],
  );
  assert.deepEqual([hostKey, hostKeyTypes], [["a", "b"], ["ecdsa", "ed25519"]]);
  await assert.rejects(
    options("--host-key-types", "dsa"),
    /"dsa" is not one of ed25519, ecdsa, rsa/,
  );
});

Deno.test("agentCommand() leads to the commands beside the agent itself", async () => {
  assert.deepEqual(await parse("wait"), ["wait", {}]);
  assert.deepEqual(await parse("stop", "--id", "job-1"), ["stop", { id: "job-1" }]);
  assert.deepEqual(await parse("status", "--json"), ["status", { json: true }]);
  assert.deepEqual(await parse("end"), ["end", { status: 0 }]);
  assert.deepEqual(await parse("end", "--status", "3"), ["end", { status: 3 }]);
  assert.equal((await parse("wss://host/base"))[0], "run wss://host/base");
});

Deno.test("agentCommand() takes webhooks over http on this machine only", async () => {
  for (
    const url of ["https://chat/x", "http://127.0.0.1:1/", "http://localhost/", "http://[::1]/"]
  ) {
    assert.equal((await options("--notify-url", url)).notifyUrl?.[0]?.href, new URL(url).href);
  }
  for (const url of ["http://chat/x", "http://127.evil.example/", "ftp://localhost/", "x"]) {
    await assert.rejects(options("--notify-url", url), { message: /is not an https URL/ });
  }
  await assert.rejects(options("--keys-url", "http://127.0.0.1/"), UsageError);
});

for (
  const [args, message] of [
    [["wiat"], /^unknown command "wiat"; did you mean "wait"\?/],
    [["end", "--status", "256"], /"256" is not a whole number from 0 to 255/],
    [["end", "--status", "-1"], /"-1" is not a whole number/],
    [["wait", "ws://host"], /too many arguments/],
    [["stop", "--id", "a/b"], /"a\/b" is not 1 to 64 letters/],
    [["--expiry", "soon", "ws://host"], /"soon" is not a duration/],
    [["--expiry", "0s", "ws://host"], /^cannot use --expiry: nobody can log in/],
  ] as const
) {
  Deno.test(`agentCommand() takes "${args.join(" ")}" for wrong use`, async () => {
    await assert.rejects(parse(...args), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("agentCommand() takes the server from the environment, unless an argument names it", async () => {
  const env = { CONVERGE_SERVER: "wss://user:pw@there" };
  assert.equal((await parseWith(env))[0], "run wss://user:pw@there/");
  assert.equal((await parseWith(env, "ws://here"))[0], "run ws://here/");
  assert.equal((await parseWith(env, "status"))[0], "status");
  await assert.rejects(
    parseWith({ CONVERGE_SERVER: "" }, "--json"),
    /missing required argument "url"/,
  );
  await assert.rejects(
    parseWith({ CONVERGE_SERVER: "ftp://user:pw@there" }),
    /^UsageError: cannot use CONVERGE_SERVER: "ftp:\/\/there" is not a ws/,
  );
});
