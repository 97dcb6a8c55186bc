import type { Announcement } from "../../../lib/agent/announce/announcement.ts";

const NOON = Date.UTC(2026, 0, 31, 12);
export const KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpn0jbV1bqZKYYBYJGbnj0XRE4Pq1JdcQ4vYgAbx+/0";

/** What an agent says of itself at noon. */
export const ANNOUNCEMENT: Announcement = {
  id: "job-1",
  username: "converge",
  url: "wss://example.org/client/job-1",
  hostKey: KEY,
  fingerprint: "SHA256:abc",
  deadline: NOON + 600_000,
  now: NOON,
  held: false,
  keys: 2,
  keysFile: "/job/.authorized_keys",
  password: false,
};
