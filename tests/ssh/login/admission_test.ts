/** Floods and guessing: what clients see who are refused, and that others do not notice. */
import { equal, fail, match } from "node:assert/strict";
import { createLog } from "../../../lib/log/log.ts";
import { Admission, type Admitted } from "../../../lib/ssh/login/admission.ts";
import { Penalties } from "../../../lib/limits/penalties.ts";
import { parseIpRange } from "../../../lib/text/ip_address.ts";
import { Startups } from "../../../lib/ssh/login/startups.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { memoryStreamPair } from "../../support/memory_stream.ts";
import { requires } from "../../support/requires.ts";
import { makeKey, TestSshServer } from "../../support/ssh.ts";
import { passwordVerifier, withPassword } from "../../support/ssh_password.ts";

const test = requires("ssh");

/** An admission whose log lines are kept. */
function testAdmission(options: { startups?: Startups; penalties?: Penalties } = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLog({ level: "debug", write: (line) => lines.push(line) });
  return { admission: new Admission({ log, now: clock.now, ...options }), clock, lines };
}

/**
 * Connects from an address and never logs in. @returns what the server says, once it disconnects
 */
function stall(server: TestSshServer, address: string) {
  const [ours, theirs] = memoryStreamPair();
  const served = server.serve(theirs, address);
  const said = (async () => {
    await ours.write(new TextEncoder().encode("SSH-2.0-flood\r\n"));
    let text = "";
    for (let bytes = await ours.read(); bytes; bytes = await ours.read()) {
      text += new TextDecoder().decode(bytes);
      if (text.includes("too many clients")) ours.close();
    }
    return text;
  })();
  return {
    said,
    close: async () => {
      ours.close();
      await served;
    },
  };
}

test("people log in beside a flood of clients that do not", async () => {
  await using server = await TestSshServer.start();
  const flood = Array.from({ length: 500 }, () => stall(server, "192.0.2.66"));
  await server.logged(/connection refused .*address=192\.0\.2\.66 .*too many clients/);
  for (let i = 0; i < 10; i++) equal((await server.ssh([], ["echo in"])).stdout, "in\n");
  const left = flood.map(({ close }) => close());
  const said = await Promise.all(flood.map(({ said }) => said));
  await Promise.all(left);
  const refused = said.filter((text) => text.includes("too many clients are logging in"));
  equal(refused.length >= 300, true, `${refused.length} refused`);
  equal(server.lines.filter((line) => /connection refused/.test(line)).length, 1);
});

test("a client that finds no place is told so", async () => {
  const { admission } = testAdmission({
    startups: new Startups({ start: 1, rate: 100, full: 2 }),
  });
  await using server = await TestSshServer.start({ admission });
  const stalled = stall(server, "127.0.0.1");
  match((await server.ssh([], ["true"])).stderr, /: too many clients are logging in; try again/);
  await stalled.close();
  equal((await server.ssh([], ["echo in"])).stdout, "in\n");
});

test("an address that fails to log in is locked out with a reason, and others are not", async () => {
  const penalties = new Penalties({ lockOutMs: 120_000, mostMs: 600_000, now: () => 0 });
  const { admission, lines } = testAdmission({ penalties });
  await using server = await TestSshServer.start({ admission });
  const from = (address: string, ...options: string[]) =>
    server.ssh(["-b", address, ...options], ["echo in"]);
  const stranger = await makeKey(server.dir, "stranger");
  penalties.charge("127.0.0.2", 118_000);
  equal((await from("127.0.0.2", "-i", stranger)).code, 255);
  await server.ended(1);
  equal((await from("127.0.0.2", "-i", stranger)).code, 255);
  await server.ended(2);
  match(lines[0]!, /warn address locked out address=127\.0\.0\.2 duration="?2m/);
  const { stderr } = await from("127.0.0.2");
  match(stderr, /: too many failed logins from 127\.0\.0\.2; try again in 2m/);
  match(lines[1]!, /warn connection refused address=127\.0\.0\.2 reason="too many failed logins/);
  equal((await from("127.0.0.3")).stdout, "in\n");
});

Deno.test("the end of a client costs its address something only if it has not logged in", () => {
  const penalties = new Penalties({ lockOutMs: 120_000, mostMs: 600_000, now: () => 0 });
  const { admission } = testAdmission({ penalties });
  const admit = () => {
    const admitted = admission.admit("192.0.2.1", () => {});
    return "refused" in admitted ? fail(admitted.refused) : admitted;
  };
  for (const how of ["disconnect", "timeout"] as const) {
    const admitted = admit();
    admitted.succeeded();
    admitted.ended(how);
    equal(penalties.delay("192.0.2.1"), 0);
  }
  admit().ended("disconnect");
  const delay = penalties.delay("192.0.2.1");
  equal(delay > 0, true);
  admit().ended("timeout");
  equal(penalties.delay("192.0.2.1") > 2 * delay, true);
});

Deno.test("failures cost what is documented, and a login takes ten seconds of them back", () => {
  const { admission, clock } = testAdmission();
  const admit = (address: string) => {
    const admitted = admission.admit(address, () => {});
    return "refused" in admitted ? fail(admitted.refused) : admitted;
  };
  /** The delay after one more failure, which costs 2 s itself; a delay is a twentieth. */
  const delayAfter = (address: string, act: (admitted: Admitted) => void) => {
    act(admit(address));
    return admit(address).failed();
  };
  equal(delayAfter("192.0.2.1", (admitted) => admitted.failed()), 4_000 / 20);
  equal(delayAfter("192.0.2.2", (admitted) => admitted.ended("disconnect")), 3_000 / 20);
  equal(delayAfter("192.0.2.3", (admitted) => admitted.ended("timeout")), 12_000 / 20);
  equal(delayAfter("192.0.2.3", (admitted) => admitted.succeeded()), 4_000 / 20);
  const guesser = admit("192.0.2.4");
  for (let i = 0; i < 400; i++) guesser.failed();
  clock.pass(599_999);
  equal("refused" in admission.admit("192.0.2.4", () => {}), true);
  clock.pass(1);
  equal("refused" in admission.admit("192.0.2.4", () => {}), false);
});

test("the answer to a wrong password waits the longer the more an address has failed", async () => {
  const penalties = new Penalties({ lockOutMs: 120_000, mostMs: 600_000, now: () => 0 });
  const { admission } = testAdmission({ penalties });
  const password = passwordVerifier("correct horse");
  await using server = await TestSshServer.start({ admission, authentication: { password } });
  penalties.charge("127.0.0.1", 18_000);
  const start = performance.now();
  const once = ["-o", "NumberOfPasswordPrompts=1", "-o", "KbdInteractiveAuthentication=no"];
  equal((await withPassword(server, "wrong", once)).code, 255);
  equal(performance.now() - start >= 1_000, true);
});

Deno.test("Admission charges the /64 of an IPv6 address", () => {
  const { admission } = testAdmission();
  for (let i = 0; i < 12; i++) {
    const admitted = admission.admit(`2001:db8::${i}`, () => {});
    if ("refused" in admitted) throw new Error(admitted.refused);
    admitted.ended("timeout");
  }
  equal("refused" in admission.admit("2001:db8::ffff", () => {}), true);
  equal("refused" in admission.admit("2001:db8:0:1::1", () => {}), false);
});

Deno.test("Admission takes nothing for the end of a connection that had logged in", () => {
  const { admission, lines } = testAdmission();
  for (let i = 0; i < 200; i++) {
    const admitted = admission.admit("192.0.2.1", () => {});
    if ("refused" in admitted) throw new Error(admitted.refused);
    admitted.succeeded();
    admitted.ended("timeout");
  }
  equal(lines.length, 0);
});

Deno.test("Admission logs refusals once a minute, and how many there were", () => {
  const { admission, clock, lines } = testAdmission({
    startups: new Startups({ start: 1, rate: 100, full: 2 }, () => 0),
  });
  for (let i = 0; i < 10; i++) admission.admit("192.0.2.1", () => {});
  clock.pass(60_000);
  admission.admit("192.0.2.1", () => {});
  equal(lines.length, 2);
  match(lines[0]!, /connection refused address=192\.0\.2\.1 reason="too many clients /);
  match(lines[1]!, /connection refused, more .*address=192\.0\.2\.1 count=8/);
});

Deno.test("Admission never locks out an exempt address, and locks out others", () => {
  const log = createLog({ write: () => {} });
  const admission = new Admission({ log, exempt: [parseIpRange("192.0.2.0/24")!], now: () => 0 });
  const fails = (address: string) => {
    for (let i = 0; i < 60; i++) {
      const admitted = admission.admit(address, () => {});
      if ("refused" in admitted) return admitted.refused;
      admitted.failed();
      admitted.ended("disconnect");
    }
  };
  equal(fails("192.0.2.7"), undefined);
  match(fails("192.0.3.7")!, /too many failed logins from 192\.0\.3\.7/);
});
