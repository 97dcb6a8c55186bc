import assert from "node:assert/strict";
import { parseCommand } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { serverCommand, type ServerOptions } from "../../lib/cli/server_options.ts";
import { readOptionFile, readSecretFile } from "../../lib/files/option_file.ts";
import { TempDir } from "../support/program.ts";

async function parse(args: string[], env: Record<string, string> = {}): Promise<ServerOptions> {
  let parsed: ServerOptions | undefined;
  const command = serverCommand(
    (options) => {
      parsed = options;
      return Promise.resolve();
    },
    env,
    { readOptionFile, readSecretFile },
  );
  await parseCommand(command, args);
  assert.ok(parsed);
  return parsed;
}

async function usageError(args: string[], env?: Record<string, string>): Promise<string> {
  try {
    await parse(args, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  assert.fail("it was taken");
}

Deno.test("server options have defaults", async () => {
  assert.deepEqual(await parse([]), {
    port: 8000,
    host: "0.0.0.0",
    basePath: "",
    username: "converge",
    password: undefined,
    agentToken: undefined,
    adminPassword: undefined,
    tls: undefined,
    trustProxy: false,
    staticDir: "dist",
    maxAgents: 10_000,
    maxClientsPerAgent: 128,
    maxClientsPerAddress: 96,
    maxConnectionsPerMinute: 3_000,
    maxRegistrationsPerMinute: 1_000,
    maxBuffer: 16_777_216,
    drain: 30_000,
    logFormat: "text",
    logLevel: "info",
  });
});

Deno.test("every server option has a variable of the environment, and the option wins", async () => {
  const env = {
    CONVERGE_PORT: "1",
    CONVERGE_HOST: "::1",
    CONVERGE_BASE_PATH: "/x/",
    CONVERGE_USERNAME: "ci",
    CONVERGE_TRUST_PROXY: "true",
    CONVERGE_STATIC_DIR: "files",
    CONVERGE_BUILD: "true",
    CONVERGE_MAX_AGENTS: "2",
    CONVERGE_MAX_CLIENTS_PER_AGENT: "3",
    CONVERGE_MAX_CLIENTS_PER_ADDRESS: "2",
    CONVERGE_MAX_CONNECTIONS_PER_MINUTE: "100",
    CONVERGE_MAX_REGISTRATIONS_PER_MINUTE: "0",
    CONVERGE_MAX_BUFFER: "8MiB",
    CONVERGE_DRAIN: "5s",
    CONVERGE_LOG_FORMAT: "json",
    CONVERGE_LOG_LEVEL: "debug",
    CONVERGE_VERSION: "ignored",
  };
  const fromEnv = await parse([], env);
  assert.deepEqual(fromEnv, {
    port: 1,
    host: "::1",
    basePath: "/x",
    username: "ci",
    password: undefined,
    agentToken: undefined,
    adminPassword: undefined,
    tls: undefined,
    trustProxy: true,
    staticDir: "files",
    build: true,
    maxAgents: 2,
    maxClientsPerAgent: 3,
    maxClientsPerAddress: 2,
    maxConnectionsPerMinute: 100,
    maxRegistrationsPerMinute: 0,
    maxBuffer: 2 ** 23,
    drain: 5_000,
    logFormat: "json",
    logLevel: "debug",
  });
  assert.equal((await parse(["--port", "9", "--base-path", "/"], env)).port, 9);
  assert.equal((await parse(["--base-path", "/"], env)).basePath, "");
  assert.equal((await parse([], { CONVERGE_TRUST_PROXY: "0" })).trustProxy, false);
  const empty = Object.fromEntries(Object.keys(env).map((name) => [name, ""]));
  assert.deepEqual(await parse([], empty), await parse([]));
  assert.equal((await parse(["--trust-proxy"], { CONVERGE_TRUST_PROXY: "no" })).trustProxy, true);
});

Deno.test("secrets come from files, without the line ends at their end, or from the environment", async () => {
  await using dir = new TempDir();
  const file = dir.write("secret", " of the file \r\n\n");
  const flags = ["password", "agent-token", "admin-password"];
  const names = ["CONVERGE_PASSWORD", "CONVERGE_AGENT_TOKEN", "CONVERGE_ADMIN_PASSWORD"];
  const env = Object.fromEntries(names.map((name) => [name, "env"]));
  const secrets = (
    { password, agentToken, adminPassword }: ServerOptions,
  ) => [password, agentToken, adminPassword];
  const args = flags.flatMap((flag) => [`--${flag}-file`, file]);
  assert.deepEqual(secrets(await parse(args, env)), Array(3).fill(" of the file "));
  assert.deepEqual(secrets(await parse([], env)), Array(3).fill("env"));
  const files = Object.fromEntries(names.map((name) => [`${name}_FILE`, file]));
  assert.deepEqual(secrets(await parse([], { ...env, ...files })), Array(3).fill(" of the file "));
  assert.equal((await parse([], { CONVERGE_PASSWORD: "" })).password, undefined);
});

Deno.test("files that cannot be read, or are empty, are wrong use", async () => {
  await using dir = new TempDir();
  const missing = `${dir.path}/missing`;
  assert.equal(
    await usageError(["--password-file", missing]),
    `cannot read --password-file "${missing}": no such file`,
  );
  assert.match(
    await usageError(["--agent-token-file", dir.path]),
    /^cannot read --agent-token-file ".*": it is a directory$/,
  );
  const empty = dir.write("empty", "\n");
  assert.match(await usageError(["--admin-password-file", empty]), /the file is empty$/);
});

Deno.test("a certificate needs its key", async () => {
  await using dir = new TempDir();
  const file = dir.write("pem", "PEM");
  assert.match(await usageError(["--tls-cert", file]), /go together/);
  assert.match(await usageError(["--tls-key", file]), /go together/);
  const { tls } = await parse(["--tls-cert", file, "--tls-key", file]);
  assert.deepEqual(tls, { cert: "PEM", key: "PEM" });
});

Deno.test("values out of range are wrong use", async () => {
  const wrong: string[][] = [
    ["--port", "65536"],
    ["--port", "-1"],
    ["--port", "8e3"],
    ["--host", "a b"],
    ["--base-path", "x"],
    ["--base-path", "/a/../b"],
    ["--base-path", "//x"],
    ["--base-path", "/a?b"],
    ["--username", "a b"],
    ["--username", "-oProxyCommand"],
    ["--username", ""],
    ["--max-agents", "0"],
    ["--max-clients-per-agent", "0"],
    ["--max-buffer", "7MiB"],
    ["--max-buffer", "2GiB"],
    ["--max-buffer", "16MB"],
    ["--drain", "30"],
    ["--log-format", "xml"],
    ["--log-level", "loud"],
    ["--no-such-flag"],
    ["stray"],
  ];
  for (const args of wrong) assert.notEqual(await usageError(args), "", args.join(" "));
  assert.match(
    await usageError([], { CONVERGE_PORT: "x" }),
    /^cannot use CONVERGE_PORT: "x" is not/,
  );
  assert.match(await usageError([], { CONVERGE_TRUST_PROXY: "maybe" }), /neither true nor false/);
});

Deno.test("a cluster needs all of its options, and no password in an argument", async () => {
  const key = "x".repeat(32);
  const env = { CONVERGE_PEER_KEY: key, CONVERGE_CLUSTER_PASSWORD: "secret" };
  const url = ["--cluster-url", "rediss://redis.example:6380/1"];
  const node = ["--node-url", "http://10.0.0.1:8000/base/"];
  const { cluster } = await parse([...url, ...node], env);
  assert.deepEqual(cluster, {
    url: new URL(url[1]!),
    password: "secret",
    nodeUrl: "http://10.0.0.1:8000/base",
    peerKey: key,
  });
  assert.equal((await parse([], env)).cluster, undefined);
  for (const args of [url, node]) assert.match(await usageError(args, env), /go together/);
  assert.match(await usageError([...url, ...node]), /--peer-key-file go together/);
  assert.match(
    await usageError([...url, ...node], { CONVERGE_PEER_KEY: "short" }),
    /32 characters or more; make one with: openssl rand -base64 32/,
  );
  const withPassword = "redis://:hidden@redis.example";
  const message = await usageError(["--cluster-url", withPassword, ...node], env);
  assert.match(message, /--cluster-url must not have a password/);
  assert.doesNotMatch(message, /hidden/);
  const fromEnv = await parse(node, { ...env, CONVERGE_CLUSTER_URL: withPassword });
  assert.equal(fromEnv.cluster!.url.password, "hidden");
});
