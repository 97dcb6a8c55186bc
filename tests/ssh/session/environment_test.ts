import { deepEqual, equal, match } from "node:assert/strict";
import {
  sessionEnvironment,
  terminalEnvironment,
  whyNotSettable,
} from "../../../lib/ssh/session/environment.ts";

Deno.test("sessionEnvironment() keeps the job's variables and drops secrets and shell options", () => {
  const env = sessionEnvironment({
    PATH: "/bin",
    CONVERGE_ID: "x",
    CONVERGE_PASSWORD: "secret",
    CONVERGE_AGENT_TOKEN: "secret",
    CONVERGE_ADMIN_PASSWORD: "secret",
    SHELLOPTS: "errexit",
    SSH_TTY: "/dev/pts/0",
    SSH_AUTH_SOCK: "/tmp/agent",
  }, "192.0.2.1");
  deepEqual(env, {
    PATH: "/bin",
    CONVERGE_ID: "x",
    SSH_AUTH_SOCK: "/tmp/agent",
    SSH_CONNECTION: "192.0.2.1 0 127.0.0.1 0",
  });
});

Deno.test("whyNotSettable() lets variables through", () => {
  equal(whyNotSettable("FOO", "bar", {}, false), undefined);
  equal(whyNotSettable("LC_ALL", "C", {}, true), undefined);
});

Deno.test("whyNotSettable() protects what the agent sets and a forced command", () => {
  match(whyNotSettable("SSH_CONNECTION", "x", {}, false)!, /set by the agent/);
  match(whyNotSettable("CONVERGE_ID", "x", {}, false)!, /set by the agent/);
  match(whyNotSettable("LD_PRELOAD", "x", {}, true)!, /forced command/);
  match(whyNotSettable("A B", "x", {}, false)!, /not a valid variable/);
  match(whyNotSettable("A", "x\0y", {}, false)!, /not a valid variable/);
});

Deno.test("whyNotSettable() has limits", () => {
  const set = (length: number) =>
    Object.fromEntries(Array.from({ length }, (_, i) => [`V${i}`, ""]));
  const longest = "x".repeat(32 * 1024);
  equal(whyNotSettable("A", longest, set(255), false), undefined);
  match(whyNotSettable("A", "x", set(256), false)!, /too many or too long/);
  match(whyNotSettable("A", `${longest}x`, {}, false)!, /too many or too long/);
});

Deno.test("terminalEnvironment() takes the terminal's name from the client, and no size from the job", () => {
  const env = { PATH: "/job/bin", TERM: "dumb", LINES: "1000", COLUMNS: "1000" };
  deepEqual(terminalEnvironment(env, "vt100"), { PATH: "/job/bin", TERM: "vt100" });
  equal(terminalEnvironment(env, "").TERM, "dumb");
});
