import assert from "node:assert/strict";
import {
  type Command,
  createCommand,
  optionParser,
  parseChoice,
  parseCommand,
  parseInteger,
  repeatable,
  withLicenses,
} from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { websocketUrl } from "../../lib/protocol/urls.ts";

function parseName(text: string): string {
  if (text !== "") return text;
  throw new TypeError('"" is not a name.');
}

function sample(): Command {
  return createCommand("sample", "A sample.")
    .option("--port <n>", "a port", optionParser(parseInteger(0, 65_535)), 80)
    .option("--mode <word>", "a mode", optionParser(parseChoice(["fast", "slow"])))
    .option("--name <name>", "repeatable", repeatable(parseName))
    .argument("[url]", "an address", optionParser(websocketUrl))
    .action(() => {});
}

Deno.test("parseCommand() gives parsed values", async () => {
  const command = sample();
  assert.equal(await parseCommand(command, ["--port", "8000", "--name", "a", "--name", "b"]), true);
  assert.deepEqual(command.opts(), { port: 8000, name: ["a", "b"] });
});

for (
  const [args, message] of [
    [
      ["--port", "70000"],
      /^cannot use --port: "70000" is not a whole number from 0 to 65535; "sample --help"/,
    ],
    [["--mode", "odd"], /is not one of fast, slow/],
    [["--nonsense"], /unknown option "--nonsense".*"sample --help" lists the options/],
    [["a", "b"], /too many arguments/],
    [["--name", "x", "--name", ""], /^cannot use --name: "" is not a name; "sample --help"/],
    [["host"], /^cannot use <url>: "host" is not a URL; "sample --help"/],
  ] as const
) {
  Deno.test(`parseCommand() takes ${args.join(" ")} for wrong use`, async () => {
    await assert.rejects(parseCommand(sample(), [...args]), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("parseCommand() says which command a misspelt word stands for", async () => {
  const command = sample().configureOutput({ writeOut: () => assert.fail("it prints") });
  command.command("status");
  for (const args of [["stauts"], ["stauts", "--json"]]) {
    await assert.rejects(
      parseCommand(command, args),
      /^UsageError: unknown command "stauts"; did you mean "status"\? "sample --help" lists/,
    );
  }
});

Deno.test("parseCommand() takes -h, -V, help and version", async () => {
  let printed = "";
  const command = sample().configureOutput({ writeOut: (text) => printed += text });
  for (
    const [word, pattern] of [["-h", /^Usage/], ["help", /^Usage/], ["-V", /^\d+\.\d/], [
      "version",
      /^\d+\.\d/,
    ]] as const
  ) {
    printed = "";
    assert.equal(await parseCommand(command, [word]), false);
    assert.match(printed, pattern);
  }
});

Deno.test("parseCommand() prints the help when the arguments are missing, and it is wrong use", async () => {
  let printed = "";
  const command = createCommand("sample", "A sample.").argument("<url>", "an address")
    .configureOutput({ writeOut: (text) => printed += text, writeErr: () => {} });
  await assert.rejects(parseCommand(command, []), /^UsageError: missing required argument "url"/);
  assert.match(printed, /^Usage: sample/);
});

Deno.test("parseCommand() prints the help to the given output and runs nothing", async () => {
  let help = "";
  const command = sample().configureOutput({ writeOut: (text) => help += text });
  assert.equal(await parseCommand(command, ["--help"]), false);
  assert.match(help, /Usage: sample .*--port <n>/s);
});

Deno.test("parseCommand() prints the licences to the given output and runs nothing", async () => {
  let text = "";
  const command = withLicenses(sample()).configureOutput({ writeOut: (part) => text += part })
    .action(() => assert.fail("it runs"));
  assert.equal(await parseCommand(command, ["--licenses"]), false);
  assert.match(text, /LICENSE/);
});
