/** Preloaded by NODE_OPTIONS: writes each second how many other timers there are to $TIMERS_FILE. */
const { writeFileSync } = require("node:fs");
const process = require("node:process");

Deno.unrefTimer(setInterval(() => {
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
  writeFileSync(process.env.TIMERS_FILE, String(timers.length));
}, 1_000));
