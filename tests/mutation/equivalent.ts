/**
 * Changes that make no difference which a test could see: by file and changed line, with the
 * reason. They are not tried.
 */
export const EQUIVALENT: Record<string, Record<string, string>> = {
  "lib/server/sockets/guard.ts": {
    "export const TICK_MS = 21;": "how often memory is looked at is not promised",
    "#pass = 1;": "passes are only compared with each other",
  },
  "lib/files/private_directory.ts": {
    "if (false) return;": "the line is for Windows; tests run on Linux",
  },
  "lib/ssh/transport/key_exchanges.ts": {
    "#bytesSinceKeys = 1;": "the first exchange sets it to 0",
  },
  "lib/server/rendezvous/resume_secrets.ts": {
    "constructor(key: Uint8Array = randomBytes(33)) {": "HMAC takes keys of any length",
  },
};
