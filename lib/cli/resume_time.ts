import { parseDuration } from "../text/duration.ts";
import { Option, optionParser } from "./command.ts";

/** The option `--resume-time`, in milliseconds; 0 is off. */
export function resumeTimeOption(description: string): Option {
  const parse = (text: string) => text === "0" ? 0 : parseDuration(text);
  return new Option("--resume-time <time>", `${description}; 0: do not`)
    .argParser(optionParser(parse)).default(300_000, "5m");
}
