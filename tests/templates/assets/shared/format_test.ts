import assert from "node:assert/strict";
import { formatBytes, formatDuration } from "../../../../templates/assets/shared/format.js";
import { sessionCells, summary } from "../../../../templates/assets/shared/session_cells.js";

Deno.test("formatBytes() takes the decimal unit that fits", () => {
  const cases: [number, string][] = [
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1000, "1.0 kB"],
    [95_440_896, "95.4 MB"],
    [999_949, "1.0 MB"],
    [123_456_789, "123 MB"],
    [7e12, "7.0 TB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

Deno.test("formatDuration() keeps the two largest units and is never negative", () => {
  const cases: [number, string][] = [
    [-5, "0s"],
    [0, "0s"],
    [59_400, "59s"],
    [61_400, "1m 1s"],
    [600_000, "10m"],
    [3_599_000, "59m 59s"],
    [7_500_000, "2h 5m"],
    [93_784_000, "1d 2h"],
  ];
  for (const [milliseconds, text] of cases) assert.equal(formatDuration(milliseconds), text);
});

Deno.test("sessionCells() tells what is not known from what is", () => {
  const agent = {
    ...{ id: "job-1", host: "", user: "ci", os: "linux", shell: "sh", version: "1" },
    ...{ since: 0, connected: false, deadline: 90_000 },
    clients: [{ since: 30_000, toAgent: 10, toClient: 2000, sessions: [], address: "192.0.2.1" }],
  };
  assert.deepEqual(sessionCells(agent, 60_000), [
    ["job-1", "not connected"],
    ["–"],
    ["ci"],
    ["linux", "sh · agent 1"],
    ["1m ago"],
    ["–"],
    ["in 30s"],
    ["connected\u00a0· from\u00a0192.0.2.1\u00a0· for\u00a030s\u00a0· 10\u00a0bytes\u00a0in\u00a0· 2.0\u00a0kB\u00a0out"],
  ]);
  assert.equal(summary({ total: 1, matching: 1, clients: 2 }), "1 agent, 2 clients");
  assert.equal(summary({ total: 3, matching: 0, clients: 1 }), "3 agents, 1 client; 0 found");
});
