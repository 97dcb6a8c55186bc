/** A login message by message: what no honest client sends, and what each attempt leads to. */
import { deepEqual, equal, match, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import { createLog } from "../../../lib/log/log.ts";
import { parseAuthorizedKeys } from "../../../lib/ssh/login/authorized_keys.ts";
import { Login } from "../../../lib/ssh/login/login.ts";
import { Message } from "../../../lib/ssh/protocol/numbers.ts";
import { MalformedError, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import type { Transport } from "../../../lib/ssh/transport/transport.ts";
import { passwordVerifier } from "../../support/ssh_password.ts";

const SESSION_ID = new Uint8Array(32).fill(7);
const PASSWORD = passwordVerifier("correct horse");
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const KEY = new Writer().string("ssh-ed25519")
  .string(Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url")).bytes();
const LINE = `ssh-ed25519 ${Buffer.from(KEY).toString("base64")} ann@example.org`;

/** What the server does: the type of a message that it sends, or why it disconnects. */
type Event = number | string;

/** A login without a connection. */
class Attempts {
  readonly lines: string[] = [];
  /** How many attempts the admission was told of. */
  failures = 0;
  successes = 0;
  /** The message that the server has sent last. */
  message = new Uint8Array();
  readonly #events: Event[] = [];
  #wake = () => {};
  readonly #login: Login;

  constructor({ banner, password = true }: { banner?: string; password?: boolean } = {}) {
    const transport = {
      sessionId: SESSION_ID,
      send: (message: Uint8Array) => {
        this.message = message.slice();
        this.#happened(message[0]!);
      },
      disconnect: (_: number, text: string) => this.#happened(text),
    } as unknown as Transport;
    const { keys: extraKeys } = parseAuthorizedKeys(new TextEncoder().encode(LINE));
    this.#login = new Login(transport, {
      authentication: { username: "ann", extraKeys, password: password ? PASSWORD : undefined },
      address: "192.0.2.1",
      banner,
      admitted: { failed: () => (this.failures++, 0), succeeded() {}, released() {}, ended() {} },
      log: createLog({ level: "debug", write: (line) => this.lines.push(line) }),
    }, () => this.successes++);
  }

  #happened(event: Event): void {
    this.#events.push(event);
    this.#wake();
  }

  receive(payload: Uint8Array): void {
    this.#login.receive(payload[0]!, payload);
  }

  /** What the server does next. */
  async next(): Promise<Event> {
    while (this.#events.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#events.shift()!;
  }

  /** Receives a message. @returns what the server does next */
  ask(payload: Uint8Array): Promise<Event> {
    this.receive(payload);
    return this.next();
  }

  /** Starts the service that logs people in (RFC 4252, section 4). */
  async start(): Promise<void> {
    equal(await this.ask(serviceRequest("ssh-userauth")), Message.serviceAccept);
  }

  /** Ends the connection. @returns what the server has done and nobody has asked for */
  async end(): Promise<Event[]> {
    await this.#login.end();
    return this.#events;
  }
}

function serviceRequest(service: string): Uint8Array {
  return new Writer().byte(Message.serviceRequest).string(service).bytes();
}

/** SSH_MSG_USERAUTH_REQUEST of the user "ann". */
function request(method: string, fields = new Writer(), service = "ssh-connection"): Uint8Array {
  return new Writer().byte(Message.userauthRequest).string("ann").string(service).string(method)
    .raw(fields.bytes()).bytes();
}

function password(text: string, isChange = false): Uint8Array {
  return request("password", new Writer().boolean(isChange).string(text));
}

/** SSH_MSG_USERAUTH_INFO_RESPONSE (RFC 4256, section 3.4). */
function answers(...texts: string[]): Uint8Array {
  const message = new Writer().byte(Message.userauthInfoResponse).uint32(texts.length);
  for (const text of texts) message.string(text);
  return message.bytes();
}

/** An attempt with a key, not signed (RFC 4252, section 7). */
function offer(algorithm = "ssh-ed25519", blob = KEY): Uint8Array {
  return request("publickey", new Writer().boolean(false).string(algorithm).string(blob));
}

/** An attempt that is signed for the session `sessionId`. */
function signed(sessionId = SESSION_ID, algorithm = "ssh-ed25519"): Uint8Array {
  const unsigned = request(
    "publickey",
    new Writer().boolean(true).string(algorithm).string(KEY),
  );
  const data = new Writer().string(sessionId).raw(unsigned).bytes();
  const signature = new Writer().string(algorithm).string(sign(null, data, privateKey)).bytes();
  return new Writer().raw(unsigned).string(signature).bytes();
}

Deno.test("nothing is taken before the service is started", () => {
  for (const message of [password("correct horse"), signed(), answers("correct horse")]) {
    throws(() => new Attempts().receive(message), MalformedError);
  }
});

Deno.test("other services are refused, before the login and by it", async () => {
  const attempts = new Attempts();
  equal(await attempts.ask(serviceRequest("ssh-connection")), 'no service "ssh-connection"');
  await attempts.start();
  const other = request("none", new Writer(), "ssh-userauth");
  equal(await attempts.ask(other), 'no service "ssh-userauth"');
  deepEqual(await attempts.end(), []);
});

Deno.test("other messages during a login are malformed", async () => {
  const attempts = new Attempts();
  await attempts.start();
  throws(() => attempts.receive(new Uint8Array([Message.channelOpen])), MalformedError);
  deepEqual(await attempts.end(), []);
});

Deno.test("the banner comes after the start, if there is one", async () => {
  const attempts = new Attempts({ banner: "hello" });
  await attempts.start();
  equal(await attempts.next(), Message.userauthBanner);
  const silent = new Attempts();
  await silent.start();
  deepEqual([await attempts.end(), await silent.end()], [[], []]);
});

Deno.test("a key is offered, then signed for", async () => {
  const attempts = new Attempts();
  await attempts.start();
  equal(await attempts.ask(offer()), Message.userauthPublicKeyOk);
  equal(attempts.successes, 0);
  equal(await attempts.ask(signed()), Message.userauthSuccess);
  equal(attempts.successes, 1);
  deepEqual(await attempts.end(), []);
  match(attempts.lines.join(""), /^\S+ info login .*method=publickey key=\S+ comment=ann@\S+\n$/);
});

Deno.test("a signature for another session is worth nothing", async () => {
  const attempts = new Attempts();
  await attempts.start();
  equal(await attempts.ask(signed(new Uint8Array(32))), Message.userauthFailure);
  deepEqual([attempts.failures, attempts.successes], [1, 0]);
  match(attempts.lines.join(""), /login refused .*reason="invalid signature"/);
});

Deno.test("a signature that cannot be read is worth nothing", async () => {
  const attempts = new Attempts();
  await attempts.start();
  const unsigned = new Writer().boolean(true).string("ssh-ed25519").string(KEY);
  equal(await attempts.ask(request("publickey", unsigned.string("x"))), Message.userauthFailure);
  deepEqual([attempts.failures, attempts.successes], [1, 0]);
  const methods = "publickey,password,keyboard-interactive";
  const failure = new Writer().byte(Message.userauthFailure).string(methods).boolean(false);
  deepEqual(attempts.message, failure.bytes());
});

Deno.test("a key by an algorithm that is not offered is refused, with and without signature", async () => {
  const attempts = new Attempts();
  await attempts.start();
  equal(await attempts.ask(offer("ssh-rsa")), Message.userauthFailure);
  equal(attempts.failures, 0, "a key that is only offered costs nothing");
  equal(await attempts.ask(signed(SESSION_ID, "ssh-dss")), Message.userauthFailure);
  equal(attempts.failures, 1);
  await attempts.end();
  match(attempts.lines.join(""), /the signature algorithm \\"ssh-dss\\" is not supported/);
});

Deno.test("a refused key is logged at the end unless a signature was logged for it", async () => {
  const attempts = new Attempts();
  await attempts.start();
  equal(await attempts.ask(offer("ssh-rsa")), Message.userauthFailure);
  deepEqual(attempts.lines, []);
  await attempts.end();
  equal(attempts.lines.length, 1);
  match(attempts.lines[0]!, /warn login refused .*key=\S+ reason="the client signs with SHA-1/);
  const insistent = new Attempts();
  await insistent.start();
  equal(await insistent.ask(offer("ssh-rsa")), Message.userauthFailure);
  equal(await insistent.ask(signed(SESSION_ID, "ssh-rsa")), Message.userauthFailure);
  await insistent.end();
  equal(insistent.lines.length, 1);
});

Deno.test("a client that leaves is logged if it has asked and nothing was refused", async () => {
  const silent = new Attempts();
  await silent.start();
  await silent.end();
  deepEqual(silent.lines, []);
  const curious = new Attempts();
  await curious.start();
  equal(await curious.ask(request("none")), Message.userauthFailure);
  await curious.end();
  match(curious.lines.join(""), /^\S+ info client disconnected without logging in .*\n$/);
  const wrong = new Attempts();
  await wrong.start();
  equal(await wrong.ask(password("wrong")), Message.userauthFailure);
  await wrong.end();
  match(wrong.lines.join(""), /^\S+ warn login refused .*\n$/);
});

Deno.test("a password cannot be changed, even if it is right", async () => {
  const attempts = new Attempts();
  await attempts.start();
  equal(await attempts.ask(password("correct horse", true)), Message.userauthFailure);
  deepEqual([attempts.failures, attempts.successes], [1, 0]);
  equal(await attempts.ask(password("correct horse")), Message.userauthSuccess);
});

Deno.test("a prompt is answered once, with one answer", async () => {
  const attempts = new Attempts();
  await attempts.start();
  const prompt = request("keyboard-interactive");
  equal(await attempts.ask(prompt), Message.userauthInfoRequest);
  const shown = "\x3c" + "\0".repeat(15) + "\x01\0\0\0\x0aPassword: \0";
  equal(Buffer.from(attempts.message).toString("latin1"), shown, "one prompt, not echoed");
  equal(await attempts.ask(answers("wrong")), Message.userauthFailure);
  equal(await attempts.ask(answers("correct horse")), "an answer without a prompt");
  const two = new Attempts();
  await two.start();
  equal(await two.ask(prompt), Message.userauthInfoRequest);
  equal(await two.ask(answers("correct horse", "")), "not one answer to one prompt");
  const other = new Attempts();
  await other.start();
  equal(await other.ask(prompt), Message.userauthInfoRequest);
  equal(await other.ask(request("none")), Message.userauthFailure);
  equal(await other.ask(answers("correct horse")), "an answer without a prompt");
});

Deno.test("without a password there is no prompt", async () => {
  const attempts = new Attempts({ password: false });
  await attempts.start();
  equal(await attempts.ask(request("keyboard-interactive")), Message.userauthFailure);
  equal(await attempts.ask(password("correct horse")), Message.userauthFailure);
  equal(attempts.successes, 0);
});

Deno.test("the sixth failure ends the connection, and nothing is decided after it", async () => {
  const attempts = new Attempts();
  await attempts.start();
  for (let i = 0; i < 5; i++) {
    equal(await attempts.ask(password("wrong")), Message.userauthFailure);
  }
  attempts.receive(password("wrong"));
  attempts.receive(signed());
  equal(await attempts.next(), "Too many authentication failures");
  // The signed request waits for nothing outside.
  for (let i = 0; i < 20; i++) await Promise.resolve();
  deepEqual(await attempts.end(), []);
  deepEqual([attempts.failures, attempts.successes], [6, 0]);
});

Deno.test("a client has 64 attempts of any kind, in whatever order they are decided", async () => {
  const attempts = new Attempts();
  await attempts.start();
  for (let i = 0; i < 64; i++) attempts.receive(request("none"));
  equal(await attempts.ask(request("none")), "Too many authentication failures");
});

Deno.test("what comes after a success, or after the end, is ignored", async () => {
  const attempts = new Attempts();
  await attempts.start();
  attempts.receive(signed());
  attempts.receive(signed());
  attempts.receive(password("wrong"));
  equal(await attempts.next(), Message.userauthSuccess);
  deepEqual(await attempts.end(), []);
  deepEqual([attempts.failures, attempts.successes], [0, 1]);
  const late = new Attempts();
  await late.start();
  late.receive(signed());
  deepEqual(await late.end(), []);
  equal(late.successes, 0);
});
