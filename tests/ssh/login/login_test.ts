import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { requires } from "../../support/requires.ts";
import { makeKey, TestSshServer } from "../../support/ssh.ts";
import { passwordVerifier, withPassword } from "../../support/ssh_password.ts";

const test = requires("ssh");

const PASSWORD = "correct horse";

for (
  const args of [
    ["-t", "ed25519"],
    ["-t", "ecdsa", "-b", "256"],
    ["-t", "ecdsa", "-b", "384"],
    ["-t", "ecdsa", "-b", "521"],
    ["-t", "rsa", "-b", "2048"],
  ]
) {
  test(`a key made with ssh-keygen ${args.join(" ")} logs in`, async () => {
    await using server = await TestSshServer.start();
    const key = await makeKey(server.dir, "other", args);
    server.authorize(await Deno.readTextFile(`${key}.pub`));
    const { stdout } = await server.ssh(["-i", key], ["echo in"]);
    equal(stdout, "in\n");
    const line = await server.logged(/ login /);
    match(line, /info login .*method=publickey key=SHA256:\S+ comment=other@example\.org/);
  });
}

test("an RSA key that signs with SHA-1 is refused", async () => {
  await using server = await TestSshServer.start();
  const key = await makeKey(server.dir, "rsa", ["-t", "rsa", "-b", "2048"]);
  server.authorize(await Deno.readTextFile(`${key}.pub`));
  const only = ["-i", key, "-o", "PubkeyAcceptedAlgorithms=ssh-rsa"];
  equal((await server.ssh(only, ["echo in"])).code, 255);
});

test("a wrong key and a wrong user are refused, and the log has the reason", async () => {
  await using server = await TestSshServer.start();
  const stranger = await makeKey(server.dir, "stranger");
  const refused = await server.ssh(["-i", stranger], ["true"]);
  equal(refused.code, 255);
  match(refused.stderr, /Permission denied \(publickey\)/);
  await server.logged(
    /warn login refused .*method=publickey key=SHA256:\S+ reason="the key is not in /,
  );
  equal((await server.ssh(["-o", "User=root"], ["true"])).code, 255);
  await server.logged(/login refused .*the user is \\"ann\\", not \\"root\\"/);
});

test("keys are read again at each login", async () => {
  await using server = await TestSshServer.start();
  const code = async () => (await server.ssh([], ["true"])).code;
  const line = await Deno.readTextFile(`${server.key}.pub`);
  await Deno.remove(server.authorizedKeys);
  equal(await code(), 255);
  await server.logged(/login refused .*does not exist/);
  server.authorize("");
  equal(await code(), 255);
  await server.logged(/login refused .*is empty/);
  server.authorize(`# added\r\n${line.trim()}\r\n`);
  equal(await code(), 0);
  server.authorize(utf16WithMark(line));
  equal(await code(), 0);
  server.authorize(`\ufeff${line}`);
  equal(await code(), 0);
  server.authorize("");
  equal(await code(), 255);
});

function utf16WithMark(text: string): Uint8Array {
  return new Uint8Array(Uint16Array.from(`\ufeff${text}`, (c) => c.charCodeAt(0)).buffer);
}

test("the right password logs in, wrong ones and wrong users do not", async () => {
  await using server = await TestSshServer.start({
    authentication: { password: passwordVerifier(PASSWORD) },
  });
  const right = await withPassword(server, PASSWORD);
  equal(right.stdout, "in\n");
  await server.logged(/info login .*method=keyboard-interactive$/m);
  const wrong = await withPassword(server, "wrong", ["-o", "NumberOfPasswordPrompts=1"]);
  equal(wrong.code, 255);
  await server.logged(
    /warn login refused .*method=(password|keyboard-interactive) reason="wrong password"/,
  );
  const root = ["-o", "User=root", "-o", "NumberOfPasswordPrompts=1"];
  equal((await withPassword(server, PASSWORD, root)).code, 255);
  await server.logged(/login refused .*method=(password|keyboard-interactive) reason="the user is/);
  deepEqual(server.lines.filter((line) => /horse/.test(line)), []);
});

test("clients that know one method for passwords only can use it", async () => {
  await using server = await TestSshServer.start({
    authentication: { password: passwordVerifier(PASSWORD) },
  });
  for (const method of ["password", "keyboard-interactive"]) {
    const only = ["-o", `PreferredAuthentications=${method}`];
    equal((await withPassword(server, PASSWORD, only)).stdout, "in\n");
    const wrong = await withPassword(server, "wrong", [...only, "-o", "NumberOfPasswordPrompts=1"]);
    equal(wrong.code, 255);
    equal(server.lines.some((line) => / info login /.test(line) && line.includes(method)), true);
  }
});

test("a client that guesses passwords is disconnected after six", async () => {
  await using server = await TestSshServer.start({
    authentication: { password: passwordVerifier(PASSWORD) },
  });
  const result = await withPassword(server, "wrong", ["-o", "NumberOfPasswordPrompts=20"]);
  match(result.stderr, /Too many authentication failures/);
  const refused = server.lines.filter((line) => /login refused/.test(line));
  equal(refused.length, 6);
});

test("a client has 64 attempts of any kind", async () => {
  await using server = await TestSshServer.start();
  const others = await Promise.all(
    Array.from({ length: 62 }, (_, number) => makeKey(server.dir, `other-${number}`)),
  );
  // The client tries the method "none" first, and the key that fits with and without signature.
  const offer = (keys: string[]) => server.ssh(keys.flatMap((key) => ["-i", key]), ["echo in"]);
  equal((await offer([...others.slice(1), server.key])).stdout, "in\n");
  match((await offer([...others, server.key])).stderr, /Too many authentication failures/);
  await server.logged(/warn too many login attempts .*address=127\.0\.0\.1/);
});

test("password login is not offered when none is set", async () => {
  await using server = await TestSshServer.start();
  const result = await withPassword(server, PASSWORD);
  match(result.stderr, /Permission denied \(publickey\)/);
});

test("the key that fits is found among many", async () => {
  await using server = await TestSshServer.start();
  const wrong = [];
  for (let i = 0; i < 10; i++) wrong.push(await makeKey(server.dir, `wrong${i}`));
  const result = await server.ssh([...wrong, server.key].flatMap((path) => ["-i", path]), [
    "echo in",
  ]);
  equal(result.stdout, "in\n");
  equal(server.lines.some((line) => /login refused/.test(line)), false);
});

test("a client that does not log in in time is disconnected", async () => {
  await using server = await TestSshServer.start({ loginGraceMs: 50 });
  using conn = await Deno.connect({ port: server.port });
  const buffer = new Uint8Array(1024);
  while (await conn.read(buffer) !== null);
  await server.logged(/login timed out/);
});

const OPTIONS: Record<
  string,
  { line: string; command?: string; output?: RegExp; reason?: RegExp }
> = {
  "command= replaces the command": {
    line: 'command="echo forced: $SSH_ORIGINAL_COMMAND"',
    command: "echo asked",
    output: /^forced: echo asked\n$/,
  },
  "command= replaces a subsystem": {
    line: 'command="echo forced: $SSH_ORIGINAL_COMMAND"',
    command: "-s sftp",
    output: /^forced: sftp\n$/,
  },
  "environment= adds variables": {
    line: 'environment="TEAM=blue \\"1\\"",environment="FOO=1"',
    command: "echo $TEAM $FOO",
    output: /^blue "1" 1\n$/,
  },
  "from= lets its addresses in": { line: 'from="127.0.0.0/8"', command: "echo in", output: /in/ },
  "from= keeps others out": { line: 'from="10.0.0.0/8"', reason: /comes from \\"127\.0\.0\.1\\"/ },
  "from= obeys negation": { line: 'from="!127.0.0.1,*"', reason: /comes from \\"127\.0\.0\.1\\"/ },
  "expiry-time= in the future": {
    line: 'expiry-time="29990101Z"',
    command: "echo in",
    output: /in/,
  },
  "expiry-time= in the past": { line: 'expiry-time="20200101Z"', reason: /expired at 2020-01-01/ },
  "an unknown option": { line: "frobnicate", reason: /\\"frobnicate\\" is not supported/ },
};

for (const [name, { line, command = "true", output, reason }] of Object.entries(OPTIONS)) {
  test(`key options: ${name}`, async () => {
    await using server = await TestSshServer.start();
    server.authorize(`${line} ${await Deno.readTextFile(`${server.key}.pub`)}`);
    const isSubsystem = command.startsWith("-s ");
    const result = await server.ssh(
      isSubsystem ? ["-s"] : [],
      [isSubsystem ? command.slice(3) : command],
    );
    if (output) match(result.stdout, output);
    if (reason) {
      equal(result.code, 255);
      match(await server.logged(/login refused/), reason);
    }
  });
}

test("key options: no-pty refuses a terminal and leaves commands alone", async () => {
  await using server = await TestSshServer.start();
  const line = await Deno.readTextFile(`${server.key}.pub`);
  for (const option of ["no-pty", "restrict"]) {
    server.authorize(`${option} ${line}`);
    await using person = server.terminal([], []);
    await person.waitFor(/PTY allocation request failed/);
    equal((await server.ssh([], ["test -t 0 || echo no terminal"])).stdout, "no terminal\n");
  }
  server.authorize(`restrict,pty ${line}`);
  equal((await server.ssh(["-tt"], ["test -t 0 && exit 3"])).code, 3);
});

test("a key whose line cannot be used is told from one that is missing", async () => {
  await using server = await TestSshServer.start();
  const other = await makeKey(server.dir, "other");
  const line = await Deno.readTextFile(`${server.key}.pub`);
  server.authorize(`${await Deno.readTextFile(`${other}.pub`)}# x\nrestrict,oops ${line}`);
  equal((await server.ssh([], ["true"])).code, 255);
  match(
    await server.logged(/login refused/),
    new RegExp(`line 3 of .*${join("/", "authorized_keys")}`),
  );
});
