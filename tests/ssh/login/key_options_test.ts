import { deepEqual, equal, throws } from "node:assert/strict";
import { KeyOptionError, parseKeyOptions } from "../../../lib/ssh/login/key_options.ts";

Deno.test("parseKeyOptions() allows everything without options", () => {
  const all = { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true };
  deepEqual(parseKeyOptions(""), { ...all, environment: {} });
  deepEqual(parseKeyOptions("restrict,pty,port-forwarding,agent-forwarding,x11-forwarding"), {
    ...all,
    environment: {},
  });
});

Deno.test("parseKeyOptions() reads flags in any case", () => {
  const options = parseKeyOptions(
    "no-pty,No-Port-Forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc",
  );
  deepEqual(options, {
    pty: false,
    portForwarding: false,
    agentForwarding: false,
    x11Forwarding: false,
    environment: {},
  });
});

Deno.test("parseKeyOptions() lets restrict be lifted again", () => {
  const options = parseKeyOptions("restrict,pty,port-forwarding");
  equal(options.pty, true);
  equal(options.portForwarding, true);
  equal(options.agentForwarding, false);
  equal(options.x11Forwarding, false);
});

Deno.test("parseKeyOptions() reads values", () => {
  const options = parseKeyOptions(
    'command="a,b \\"c\\"",from="10.0.0.0/8,!10.0.0.1",environment="A=1",environment="B=x=y",environment="A=2"',
  );
  equal(options.command, 'a,b "c"');
  equal(options.from, "10.0.0.0/8,!10.0.0.1");
  deepEqual(options.environment, { A: "1", B: "x=y" });
});

Deno.test("parseKeyOptions() reads times to expire at", () => {
  const expiry = (value: string) => parseKeyOptions(`expiry-time="${value}"`).expires;
  equal(expiry("20300102Z"), Date.UTC(2030, 0, 2));
  equal(expiry("203001020304Z"), Date.UTC(2030, 0, 2, 3, 4));
  equal(expiry("20300102030405Z"), Date.UTC(2030, 0, 2, 3, 4, 5));
  equal(expiry("20300102"), new Date(2030, 0, 2).getTime());
});

Deno.test("parseKeyOptions() reads a time without Z as local time", async () => {
  const module = new URL("../../../lib/ssh/login/key_options.ts", import.meta.url).href;
  const script = `import { parseKeyOptions } from "${module}";
    for (const time of ["20300102", "20300102Z"]) {
      console.log(parseKeyOptions(\`expiry-time="\${time}"\`).expires);
    }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", script],
    env: { TZ: "America/New_York" },
  }).output();
  const [local, utc] = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
  equal(utc, Date.UTC(2030, 0, 2));
  equal(local, Date.UTC(2030, 0, 2, 5));
});

Deno.test("parseKeyOptions() tells an unknown option from one without a value", () => {
  throws(() => parseKeyOptions("command"), /needs a value in quotes: command="…"/);
  throws(() => parseKeyOptions("frobnicate"), /the option "frobnicate" is not supported/);
  throws(() => parseKeyOptions('no-pty="yes"'), /the option "no-pty" is not supported/);
});

for (
  const text of [
    "frobnicate",
    'frobnicate="yes"',
    "cert-authority",
    'permitopen="localhost:80"',
    "command",
    "command=ls",
    'command="a',
    'command="a",command="b"',
    'from="*",from="*"',
    'no-pty="yes"',
    "no-pty,",
    "no-pty,,restrict",
    'environment="A"',
    'environment="1A=2"',
    'expiry-time="tomorrow"',
    'expiry-time="20301301"',
    'expiry-time="20300231"',
    'expiry-time="203001022560"',
    'expiry-time="20300102101075"',
    'from="*,!10.0.0.0/33"',
    'from="10.0.0.0/8,office/8"',
  ]
) {
  Deno.test(`parseKeyOptions() refuses ${text}`, () => {
    throws(() => parseKeyOptions(text), KeyOptionError);
  });
}
