/** Everything that reads text or bytes from outside and needs neither socket nor file. */
import { Command } from "../../../lib/cli/command.ts";
import { agentCommand } from "../../../lib/cli/agent_options.ts";
import { tunnelCommand, wsproxyCommand } from "../../../lib/cli/client_options.ts";
import { HostKeyFinder } from "../../../lib/client/host_key/host_key_finder.ts";
import { parseCommand } from "../../../lib/cli/command.ts";
import { serverCommand } from "../../../lib/cli/server_options.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { decodeModes, sttySettings } from "../../../lib/process/terminal_modes.ts";
import { parseBasePath } from "../../../lib/protocol/base_path.ts";
import { closeReason } from "../../../lib/protocol/close_reason.ts";
import { parseMessage, ProtocolError } from "../../../lib/protocol/messages.ts";
import { websocketUrl } from "../../../lib/protocol/urls.ts";
import { isRendezvousId, isUsername } from "../../../lib/protocol/names.ts";
import { pickEncoding } from "../../../lib/server/http/accept_encoding.ts";
import { parseRange } from "../../../lib/server/http/byte_range.ts";
import { clientAddress, siteOf } from "../../../lib/server/http/site.ts";
import { findTarget } from "../../../lib/server/http/target.ts";
import { parseSessionsQuery } from "../../../lib/server/pages/sessions_query.ts";
import { parsePublicKey } from "../../../lib/ssh/keys/public_key.ts";
import { verifySignature } from "../../../lib/ssh/keys/signature.ts";
import { matchesAddress } from "../../../lib/ssh/login/address_pattern.ts";
import { parseAuthorizedKeys } from "../../../lib/ssh/login/authorized_keys.ts";
import { KeyOptionError, parseKeyOptions } from "../../../lib/ssh/login/key_options.ts";
import { MalformedError, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { TerminalOverlay } from "../../../lib/ssh/session/terminal_overlay.ts";
import { withoutControlCharacters } from "../../../lib/text/control_characters.ts";
import { decodeText } from "../../../lib/text/decode_text.ts";
import { parseDuration } from "../../../lib/text/duration.ts";
import { parseSize } from "../../../lib/text/size.ts";
import { proxyFor } from "../../../lib/wire/dial/proxy.ts";
import { readResponseHead, refusalReason } from "../../../lib/wire/http_response.ts";
import { WebSocketConnection } from "../../../lib/wire/websocket/connection.ts";
import { FrameError, FrameParser, Opcode } from "../../../lib/wire/websocket/frame.ts";
import { MessageJoiner, parseClose } from "../../../lib/wire/websocket/message.ts";
import { encodeRawFrame } from "../../support/raw_websocket_server.ts";
import { damaged, damagedStream, damagedText } from "./damage.ts";
import fc from "fast-check";
import { type FuzzTarget, target } from "./target.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Each as a server sends it, or a client. */
export function sampleFrames(masked: boolean): Uint8Array[] {
  const frames: [number, string, boolean?][] = [
    [Opcode.binary, "\x00\x01\x02"],
    [Opcode.text, "eof"],
    [Opcode.text, "x".repeat(130)],
    [Opcode.ping, "?"],
    [Opcode.pong, ""],
    [Opcode.close, "\x03\xe8bye"],
    [Opcode.binary, "one", false],
    [Opcode.continuation, "two"],
  ];
  return frames.map(([opcode, text, final]) =>
    encodeRawFrame({ opcode, payload: bytes(text), final, masked })
  );
}

const MESSAGES = [
  { type: "register", protocol: 1, version: "0.1.0", facts: { host: "h", user: "u" } },
  { type: "park", protocol: 1, resume: "secret" },
  { type: "registered", protocol: 1, version: "1", id: "x", resume: "r", username: "u", parked: 2 },
  { type: "refused", reason: "full", retry: true },
  { type: "paired", client: { key: 1, address: "::1" } },
  { type: "status", deadline: 1e12, activity: 0, clients: [{ key: 1, sessions: ["shell"] }] },
  { type: "draining" },
].map((message) => JSON.stringify(message));

const RESPONSES = [
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n\x81\x00",
  "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nnone\n",
  "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 503 \r\ncontent-type: text/plain\r\n" +
  "transfer-encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n",
  "HTTP/1.1 302 Found\r\nlocation: https://example.org/\r\n\r\n",
].map(bytes);

const ED25519 = new Writer().string("ssh-ed25519").string(new Uint8Array(32).fill(9)).bytes();
const ECDSA = new Writer().string("ecdsa-sha2-nistp256").string("nistp256")
  .string(Uint8Array.from({ length: 65 }, (_, i) => i === 0 ? 4 : i)).bytes();
const RSA = new Writer().string("ssh-rsa").string(Uint8Array.of(1, 0, 1))
  .string(new Uint8Array(257).fill(200, 1)).bytes();
const KEYS = [ED25519, ECDSA, RSA];
const SIGNATURES = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"].map((algorithm) =>
  new Writer().string(algorithm).string(new Uint8Array(64).fill(3)).bytes()
);
const KEY_LINES = KEYS.map((key) =>
  `restrict,pty,from="10.0.0.0/8,!10.1.*",command="echo \\"x\\"" ` +
  `${new TextDecoder().decode(key.subarray(4, 4 + key[3]!))} ${key.toBase64()} ann@example.org\n`
);
const KEY_OPTIONS = [
  'restrict,pty,command="echo \\"hallo\\"",environment="A=b"',
  'from="192.168.0.0/16,!192.168.1.?,::1/128",expiry-time="20300101"',
  'permitopen="host:80",permitlisten="8080",no-pty,no-port-forwarding',
];

const ARGUMENTS = [
  ["--id", "job-1", "--expiry", "10m", "--warning-time=90s", "ws://host:80/path?query"],
  ["--keys-url", "https://host/keys", "--github-user", "ann", "https://ann:secret@host"],
  ["--header", "X: y", "--insecure", "8000", "ws://[::1]:80/client/x"],
  ["--port", "8000", "--max-buffer", "16MiB", "--base-path", "/a/b", "--trust-proxy"],
  ["status", "--json"],
];

const HEADERS = [
  'for="[2001:db8::1]:80";proto=https;host="example.org:443", for=10.0.0.1',
  "bytes=0-1,5-,-3",
  "br;q=0.5, gzip;q=1.0, *;q=0, identity",
  "example.org:443",
  "203.0.113.9, ::1",
  "/prefix/",
];

const SITE = {
  ...{ defaultHost: "127.0.0.1:1", tls: false, basePath: "/base", trustProxy: true },
  ...{ username: "ann", password: true, agentToken: false },
};

const OUTPUT = [
  "\x1b]0;title\x07\x1b[31mred\x1b[0m\r\n$ ",
  "\x1b[?1049h\x1b[2J\x1b[10;20Hmid\x1b7\x1b[5;10r\x1b8\x1b[?1049l",
  "\x1bP1$r0m\x1b\\ ünïcödé \u{1f600}\r\n\x1b(0lqk\x1b(B",
].map(bytes);

/** Reads once from each of the pieces. */
function connectionOf(pieces: Uint8Array[]) {
  const left = [...pieces];
  return {
    read(buffer: Uint8Array) {
      const piece = left.shift();
      if (piece === undefined) return Promise.resolve(null);
      buffer.set(piece.subarray(0, buffer.length));
      return Promise.resolve(Math.min(piece.length, buffer.length));
    },
    write: (sent: Uint8Array) => Promise.resolve(sent.length),
    close() {},
  };
}

/** What is thrown for input that is not HTTP: a plain error with one of these texts. */
class HttpError extends Error {}

async function readResponse(pieces: Uint8Array[]): Promise<void> {
  const connection = connectionOf(pieces);
  let head;
  try {
    head = await readResponseHead(connection);
  } catch (error) {
    if (
      /^(the answer is not HTTP|the connection was closed|the server speaks TLS)/.test(
        (error as Error).message,
      )
    ) {
      throw new HttpError();
    }
    throw error;
  }
  await refusalReason(connection, head);
}

/** All programs' command lines; what they would run is left out. */
async function readArguments(args: string[]): Promise<void> {
  const run = () => Promise.resolve();
  const files = {
    readOptionFile: () => Promise.resolve(""),
    readSecretFile: () => Promise.resolve(""),
  };
  const actions = new Proxy({}, { get: () => run }) as Parameters<typeof agentCommand>[0];
  const commands: Command[] = [
    ...[agentCommand(actions), tunnelCommand(run)],
    wsproxyCommand({ run, setUp: run, update: run }),
    serverCommand(run, {}, files),
  ];
  for (const command of commands) {
    try {
      await parseCommand(command, args);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }
}

const frames = damagedStream(sampleFrames(false));

/** What an SSH server sends first: its version, then a packet with a key. */
const SSH_SERVER = new Writer().raw(bytes("SSH-2.0-x\r\n"))
  .uint32(16).byte(4).byte(31).string("the key").raw(new Uint8Array(3)).bytes();

/** All pure parsers. */
export const PARSERS: FuzzTarget[] = [
  target("control messages", damagedText(MESSAGES), (text) => {
    parseMessage(text, ...MESSAGES.map((message) => JSON.parse(message).type));
  }, [ProtocolError]),
  target("IDs, names and close reasons", damagedText(["job-1.x_y", "a".repeat(65)]), (text) => {
    isRendezvousId(text);
    isUsername(text);
    withoutControlCharacters(text);
    if (bytes(closeReason(text)).length > 123) throw new Error("too long a reason");
  }),
  target("URLs", damagedText(["wss://ann:pw@host:1/a?b#c", "http://[::1]/", "/a/b/"]), (text) => {
    for (const parse of [websocketUrl, parseBasePath]) {
      try {
        parse(text);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
  }),
  target("times", damagedText(["1h30m", "0s", "90s", "24d"]), parseDuration, [TypeError]),
  target("sizes", damagedText(["16MiB", "65536", "1GiB"]), parseSize, [TypeError]),
  target("texts of files", damaged([bytes("a\r\nb"), Uint8Array.of(255, 254, 65, 0)]), decodeText),
  ...[false, true].flatMap((inParts) => [
    target(`websocket frames${inParts ? " in parts" : ""}`, frames, (pieces) => {
      const [parser, joiner] = [new FrameParser(65_536), new MessageJoiner(65_536)];
      parser.inParts = joiner.inParts = inParts;
      for (const piece of pieces) {
        for (const frame of parser.push(piece)) {
          if (frame.opcode === Opcode.close) parseClose(frame.payload);
          else if (frame.opcode < Opcode.close) joiner.join(frame);
        }
      }
    }, [FrameError]),
    target(`websocket client${inParts ? " in parts" : ""}`, frames, async (pieces) => {
      const connection = new WebSocketConnection(connectionOf(pieces), {
        ...{ protocol: "", rest: new Uint8Array(0), pingInterval: 60_000, closeTimeout: 60_000 },
      });
      if (inParts) connection.receiveParts();
      while (await connection.receive().catch(() => null) !== null);
      await connection.closed;
    }),
  ]),
  target("host keys that come by", damagedStream([SSH_SERVER]), (pieces) => {
    const finder = new HostKeyFinder();
    for (const piece of pieces) finder.take(piece);
  }),
  target("HTTP responses", damagedStream(RESPONSES), readResponse, [HttpError]),
  target(
    "proxy variables",
    fc.tuple(
      damagedText(["http://ann:p%20w@proxy:3128", "proxy", "[::1]:8080"]),
      damagedText([".example.org,10.0.0.0/8,[::1]:443,*.x:80", "*"]),
    ),
    ([proxy, excluded]) => {
      const env: Record<string, string> = { ALL_PROXY: proxy, NO_PROXY: excluded };
      try {
        proxyFor(new URL("wss://10.0.0.1/x"), (name) => env[name]);
      } catch (error) {
        if (!/^cannot use the proxy in /.test((error as Error).message)) throw error;
      }
    },
  ),
  target("authorized_keys", damaged(KEY_LINES.map(bytes)), parseAuthorizedKeys),
  target("key options", damagedText(KEY_OPTIONS), parseKeyOptions, [KeyOptionError]),
  target(
    "address patterns",
    fc.tuple(
      damagedText(["10.0.0.0/8,!10.1.*,::1", "fe80::/10"]),
      damagedText(["10.1.2.3", "::1"]),
    ),
    ([patterns, address]) => matchesAddress(patterns, address),
  ),
  target(
    "public keys and signatures",
    fc.tuple(damaged(KEYS), damaged(SIGNATURES)),
    ([blob, signature]) => {
      const key = parsePublicKey(blob);
      for (const algorithm of ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"]) {
        verifySignature(key, algorithm, signature, blob);
      }
    },
    [MalformedError],
  ),
  target(
    "command lines",
    fc.tuple(fc.constantFrom(...ARGUMENTS), damagedText(ARGUMENTS.flat()), fc.nat(5))
      .map(([args, text, at]) => args.with(at % args.length, text)),
    readArguments,
  ),
  target(
    "HTTP requests",
    fc.tuple(
      fc.array(damagedText(HEADERS), { minLength: 6, maxLength: 6 }),
      damagedText([
        "/base/client/a?wait=5m",
        "/base/static/%2e%2e/x",
        "/api/sessions?sort=id&page=2",
      ]),
    ),
    ([values, path]) => {
      const url = URL.parse(path, "http://host");
      if (url === null || url.protocol !== "http:") return;
      const request = new Request(url);
      const names = [
        "forwarded",
        "range",
        "accept-encoding",
        "x-forwarded-host",
        "x-forwarded-for",
      ];
      for (const [i, name] of [...names, "x-forwarded-prefix"].entries()) {
        try {
          request.headers.set(name, values[i]!);
        } catch {
          // Deno does not let such a header in.
        }
      }
      const { headers } = request;
      siteOf(headers, SITE);
      clientAddress("10.0.0.1", headers, true);
      findTarget(request, SITE);
      parseRange(headers.get("range"), 1000);
      pickEncoding(headers.get("accept-encoding"), ["br", "gzip"]);
      parseSessionsQuery(url.searchParams, 10);
    },
  ),
  target("terminal modes", damaged([Uint8Array.of(1, 0, 0, 0, 3, 128, 0, 0, 0, 9, 0)]), (modes) => {
    sttySettings(decodeModes(modes));
  }),
  target("terminal output", damagedStream(OUTPUT), (pieces) => {
    const overlay = new TerminalOverlay({ style: "lines", columns: 80 });
    for (const piece of pieces) {
      overlay.pass(piece);
      overlay.show("five minutes are left");
    }
    overlay.finish("ended");
  }),
];
