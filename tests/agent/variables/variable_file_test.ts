import { deepEqual, equal } from "node:assert/strict";
import { parseVariables, VariableChanges } from "../../../lib/agent/variables/variable_file.ts";

/** Files, and what GitHub's runner makes of them. */
const FILES: { name: string; text: string; variables: Record<string, string> }[] = [
  { name: "nothing", text: "", variables: {} },
  {
    name: "lines",
    text: "A=1\nB=two words \n\nC=\n",
    variables: { A: "1", B: "two words ", C: "" },
  },
  { name: "no line end", text: "A=1", variables: { A: "1" } },
  { name: "equals signs", text: "A==b=\n", variables: { A: "=b=" } },
  { name: "a << in a value", text: "A=1<<2\n", variables: { A: "1<<2" } },
  {
    name: "several lines",
    text: "A<<END\none\n\n two\nEND\nB=1\n",
    variables: { A: "one\n\n two", B: "1" },
  },
  { name: "an empty value of several lines", text: "A<<END\nEND\n", variables: { A: "" } },
  { name: "an = in the delimiter", text: "A<<E=\n1\nE=\n", variables: { A: "1" } },
  { name: "the delimiter within a line", text: "A<<E\nE E\nxE\nE\n", variables: { A: "E E\nxE" } },
  { name: "assignments in a value", text: "A<<E\nB=1\nE\n", variables: { A: "B=1" } },
  { name: "a value that is not complete yet", text: "B=1\nA<<E\none\n", variables: { B: "1" } },
  { name: "other lines", text: "# a comment\nA=1\nexport\n=x\n<<E\n", variables: { A: "1" } },
  {
    name: "odd names",
    text: "my.dotted=1\nINPUT_X-Y=2\n",
    variables: { "my.dotted": "1", "INPUT_X-Y": "2" },
  },
  { name: "what the runner blocks", text: "NODE_OPTIONS=-r x\nnode_options=y\n", variables: {} },
  {
    name: "what no program can be given",
    text: `A=\0\nB=${"x".repeat(40_000)}\nC=1\n`,
    variables: { C: "1" },
  },
  {
    name: "the name of a prototype",
    text: "__proto__=1\n",
    variables: Object.fromEntries([["__proto__", "1"]]),
  },
];

for (const { name, text, variables } of FILES) {
  Deno.test(`parseVariables() takes ${name}`, () => {
    deepEqual(Object.fromEntries(parseVariables(text, "linux")), variables);
    const windows = Object.fromEntries(parseVariables(text.replaceAll("\n", "\r\n"), "windows"));
    deepEqual(windows, variables);
  });
}

Deno.test("parseVariables() keeps a carriage return on Linux, as the runner does", () => {
  deepEqual(parseVariables("A=1\r\n", "linux"), [["A", "1\r"]]);
});

Deno.test("VariableChanges puts the latest directory first in PATH, each once", () => {
  const changes = new VariableChanges("linux");
  changes.add("path", "/a\n\n/b\n");
  changes.add("path", "/a\n");
  deepEqual(changes.applyTo({ PATH: "/bin" }), { PATH: "/a:/b:/bin" });
  deepEqual(changes.applyTo({}), { PATH: "/a:/b" });
});

Deno.test("VariableChanges keeps to the names of Windows, whatever their case", () => {
  const changes = new VariableChanges("windows");
  changes.add("path", "C:\\tools\r\n");
  changes.add("env", "JOB=2\r\n");
  deepEqual(changes.applyTo({ Path: "C:\\", Job: "1" }), { Path: "C:\\tools;C:\\", Job: "2" });
});

Deno.test("VariableChanges leaves out what is too much, and says so", () => {
  const many = new VariableChanges("linux");
  equal(many.add("env", Array.from({ length: 1000 }, (_, i) => `V${i}=1`).join("\n")), true);
  equal(many.add("env", "V7=2\n"), true);
  equal(many.add("env", "ONE_MORE=1\n"), false);
  equal(many.add("path", "/one/more\n"), false);
  const env = many.applyTo({ PATH: "/bin" });
  equal(Object.keys(env).length, 1001);
  equal(env.V7, "2");

  const large = new VariableChanges("linux");
  for (let i = 0; i < 17; i++) large.add("env", `L${i}=${"x".repeat(32_000)}`);
  equal(Object.keys(large.applyTo({})).length, 16);
  // The same again takes no more room.
  equal(large.add("env", `L0=${"y".repeat(32_000)}`), true);
});

Deno.test("VariableChanges.copy() changes nothing of the original", () => {
  const changes = new VariableChanges("linux");
  changes.add("env", "A=1\n");
  changes.copy().add("env", "A=2\nB=1\n");
  deepEqual(changes.applyTo({}), { A: "1" });
});
