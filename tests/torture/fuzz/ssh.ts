/** The SSH server and what speaks behind it: packets before keys, login, channels, SFTP. */
import { createLog } from "../../../lib/log/log.ts";
import { ServerConnection } from "../../../lib/ssh/connection/connection.ts";
import { generateHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { unrestricted } from "../../../lib/ssh/login/key_options.ts";
import { Login } from "../../../lib/ssh/login/login.ts";
import { MalformedError, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { SshServer } from "../../../lib/ssh/server.ts";
import { Session } from "../../../lib/ssh/session/session.ts";
import { type FileSystem, SystemError } from "../../../lib/ssh/sftp/files/file_system.ts";
import { PosixPaths } from "../../../lib/ssh/sftp/files/paths.ts";
import { OpenFlag, PacketType } from "../../../lib/ssh/sftp/packets/numbers.ts";
import { SftpSession } from "../../../lib/ssh/sftp/session.ts";
import { encodePacket, INIT } from "../../ssh/sftp/test_client.ts";
import { memoryStreamPair } from "../../support/memory_stream.ts";
import fc from "fast-check";
import { damaged, damagedStream } from "./damage.ts";
import { type FuzzTarget, target } from "./target.ts";

const log = createLog({ write: () => {} });

/** Takes what the server sends, as far as login and channels need one. */
const TRANSPORT = {
  sessionId: new Uint8Array(32),
  send() {},
  disconnect() {},
  refusePacket() {},
  drain: () => Promise.resolve(),
  get isFull() {
    return false;
  },
} as unknown as ConstructorParameters<typeof Login>[0];

const KEY = new Writer().string("ssh-ed25519").string(new Uint8Array(32).fill(9)).bytes();
const SIGNATURE = new Writer().string("ssh-ed25519").string(new Uint8Array(64).fill(3)).bytes();
const attempt = (method: string) =>
  new Writer().byte(50).string("ann").string("ssh-connection").string(method);

const LOGIN = [
  new Writer().byte(5).string("ssh-userauth").bytes(),
  attempt("none").bytes(),
  attempt("password").boolean(false).string("secret").bytes(),
  attempt("publickey").boolean(false).string("ssh-ed25519").string(KEY).bytes(),
  attempt("publickey").boolean(true).string("ssh-ed25519").string(KEY).string(SIGNATURE).bytes(),
];

const open = (type: string) =>
  new Writer().byte(90).string(type).uint32(7).uint32(65_536).uint32(32_768);
const request = (type: string) => new Writer().byte(98).uint32(0).string(type).boolean(true);
const onChannel = (type: number) => new Writer().byte(type).uint32(0);

/** Nothing in them starts a program. */
const CHANNELS = [
  open("session").bytes(),
  open("direct-tcpip").string("localhost").uint32(80).string("::1").uint32(1).bytes(),
  request("pty-req").string("xterm").uint32(80).uint32(24).uint32(0).uint32(0)
    .string(Uint8Array.of(1, 0, 0, 0, 3, 0)).bytes(),
  request("env").string("LANG").string("C.UTF-8").bytes(),
  request("window-change").uint32(80).uint32(24).uint32(0).uint32(0).bytes(),
  request("signal").string("INT").bytes(),
  request("x11-req").boolean(false).string("MIT").string("00").uint32(0).bytes(),
  onChannel(93).uint32(4096).bytes(),
  onChannel(94).string("data").bytes(),
  onChannel(95).uint32(1).string("error").bytes(),
  ...[96, 97, 99, 100].map((type) => onChannel(type).bytes()),
  onChannel(91).uint32(7).uint32(1000).uint32(1000).bytes(),
  onChannel(92).uint32(1).string("no").string("en").bytes(),
  new Writer().byte(80).string("tcpip-forward").boolean(true).string("::").uint32(0).bytes(),
  new Writer().byte(80).string("keepalive@openssh.com").boolean(true).bytes(),
  ...[81, 82, 4, 192].map((type) => Uint8Array.of(type)),
];

/** Does as if each file were there, and keeps nothing. */
function noFiles(): FileSystem {
  const stat = { mode: 0o100644, uid: 0, gid: 0, size: 9, atime: 0, mtime: 0, nlink: 1 };
  let entries = 0;
  const given: Partial<FileSystem> = {
    open: (path) => {
      if (path.length % 5 === 0) throw new SystemError("ENOENT", "no such file or directory");
      return 3;
    },
    read: (_fd, into) => Math.min(into.length, 9),
    write: (_fd, bytes) => bytes.length,
    stat: () => ({ ...stat, identity: "" }),
    statFileSystem: () => {
      throw new SystemError("EIO", "input/output error");
    },
    openDirectory: () => ({
      next: () =>
        entries++ % 3 < 2 ? { name: Uint8Array.of(120), stat: { ...stat, identity: "" } } : null,
      close() {},
    }),
    readlink: () => "target",
  };
  return new Proxy(given, {
    get: (known, name) => Reflect.get(known, name) ?? (() => {}),
  }) as FileSystem;
}

const HANDLE = Uint8Array.of(0, 0, 0, 0);
const SFTP = [
  INIT,
  encodePacket(PacketType.open, 1, "file", OpenFlag.read | OpenFlag.write, { attributes: {} }),
  encodePacket(PacketType.open, 2, "new", 26, { attributes: { permissions: 0o600 } }),
  encodePacket(PacketType.opendir, 3, "."),
  encodePacket(PacketType.readdir, 4, HANDLE),
  encodePacket(PacketType.read, 5, HANDLE, 0n, 32_768),
  encodePacket(PacketType.write, 6, HANDLE, 5n, "content"),
  encodePacket(PacketType.setstat, 7, "file", { attributes: { size: 5, times: [1, 2] } }),
  encodePacket(PacketType.rename, 8, "a", "b"),
  encodePacket(PacketType.realpath, 9, "../x/./y"),
  encodePacket(PacketType.extended, 10, "posix-rename@openssh.com", "a", "b"),
  encodePacket(PacketType.extended, 11, "copy-data", HANDLE, 0n, 10n, HANDLE, 100n),
  encodePacket(PacketType.extended, 12, "limits@openssh.com"),
  encodePacket(PacketType.symlink, 13, "a", "b"),
  encodePacket(PacketType.close, 14, HANDLE),
];

function several(samples: Uint8Array[], maxLength: number): fc.Arbitrary<Uint8Array[]> {
  return fc.array(damaged(samples), { minLength: 1, maxLength });
}

/** A client's first bytes, up to where keys are agreed on. */
export function hellos(): Uint8Array[] {
  const names = ["curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256"];
  const lists = [...names, "hmac-sha2-256", "none", "none", "", ""];
  const proposal = new Writer().byte(20).raw(new Uint8Array(16));
  for (const list of lists) proposal.string(list);
  const payload = proposal.boolean(false).uint32(0).bytes();
  const padding = 8 - (payload.length + 5) % 8 + 8;
  const packet = new Writer().uint32(payload.length + padding + 1).byte(padding).raw(payload)
    .raw(new Uint8Array(padding)).bytes();
  const version = new TextEncoder().encode("SSH-2.0-OpenSSH_9.9\r\n");
  return [version, Uint8Array.from([...version, ...packet])];
}

/** Targets of SSH; `cwd` is an empty directory. */
export function sshTargets(cwd: string): FuzzTarget[] {
  const hostKeys = [generateHostKey()];
  const shell = { file: "/nowhere/sh", kind: "sh" } as const;
  // Each from another address: one that only sends garbage is locked out soon.
  let clients = 0;
  const peer = { address: "127.0.0.1" };
  const nextPeer = () => ({ address: `10.0.${++clients >> 8 & 255}.${clients & 255}` });
  const authentication = { username: "ann", authorizedKeysFile: `${cwd}/none` };
  const server = new SshServer({ hostKeys, log, session: { cwd, shell } });

  return [
    target("SSH before keys", damagedStream(hellos()), async (pieces) => {
      const [near, far] = memoryStreamPair();
      const serving = server.serve(far, { peer: nextPeer(), authentication, env: () => ({}) });
      const answers = (async () => {
        while (await near.read().catch(() => null) !== null);
      })();
      for (const piece of pieces) await near.write(piece).catch(() => {});
      await near.end();
      await serving;
      near.close();
      await answers;
    }),
    target("SSH login", several(LOGIN, 8), async (messages) => {
      const admitted = { failed: () => 0, succeeded() {}, released() {}, ended() {} };
      const options = { authentication, address: peer.address, admitted, log };
      const login = new Login(TRANSPORT, options, () => {});
      try {
        for (const message of [LOGIN[0]!, ...messages]) login.receive(message[0] ?? 0, message);
      } finally {
        await login.end();
      }
    }, [MalformedError]),
    target("SSH channels", several(CHANNELS, 12), async (messages) => {
      let sessions = 0;
      const connection: ServerConnection = new ServerConnection(TRANSPORT, {
        ...{ id: 1, address: peer.address, permissions: unrestricted(), log },
        channels: {
          session: async ({ accept }) => {
            const channel = accept();
            const session = new Session(connection, channel, {
              ...{ cwd, shell, peer, env: {}, id: ++sessions },
              ...{ requests: {}, subsystems: {}, observer: {} },
            });
            connection.onChannelRequest(channel, (type, data) => session.handle(type, data));
            await session.done;
          },
        },
        ...{ globalRequests: {}, onInput() {}, onChannel() {} },
      });
      try {
        for (const message of [CHANNELS[0]!, ...messages]) {
          connection.receive(message[0] ?? 0, message);
          await Promise.resolve();
        }
      } finally {
        await connection.end(undefined);
      }
    }, [MalformedError]),
    target("SFTP", several(SFTP, 12), (packets) => {
      using files = noFiles();
      using session = new SftpSession({
        files,
        paths: new PosixPaths("/home/ann"),
        users: { userName: String, groupName: String } as never,
        send() {},
      });
      for (const packet of [INIT, SFTP[1]!, ...packets]) {
        session.receive(Uint8Array.from(packet));
        // A copy of endless files would take its time.
        for (let steps = 0; steps < 1000 && session.step(); steps++);
        session.flush();
      }
    }, [MalformedError]),
  ];
}
