import { Command, CommanderError, Option } from "commander";
import { LICENSES } from "../dist/licenses.ts";
import { VERSION } from "../dist/version.ts";
import { errorMessage } from "../text/error_message.ts";
import { COMPLETION_SHELLS, completionScript, type CompletionShell } from "./completions.ts";
import { manualPage } from "./manual_page.ts";
import { similarName } from "./similar_name.ts";
import { UsageError } from "./usage_error.ts";

export { Command, CommanderError, Option };

/**
 * A command whose help comes from the same lines that parse it.
 *
 * Wrong use throws a {@link UsageError} and prints nothing; `--help` and `--version` print to
 * stdout.
 */
export function createCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .configureHelp({ helpWidth: 100, optionDescription: describeOption });
}

/** What an option does, with its default and its variable in brackets. */
function describeOption(option: Option): string {
  const shown = option.defaultValueDescription ?? option.defaultValue;
  const notes = [
    ...shown === undefined ? [] : [`default: ${shown}`],
    ...option.envVar === undefined ? [] : [`env: ${option.envVar}`],
  ];
  return notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`;
}

/** Adds an option that prints a text and ends the program. */
function withPrinted(
  command: Command,
  flags: string,
  description: string,
  text: (value: string) => string,
): Command {
  const option = new Option(flags, description);
  if (flags.includes("<shell>")) option.argParser(optionParser(parseChoice(COMPLETION_SHELLS)));
  return command.addOption(option).on(`option:${option.name()}`, (value: string) => {
    command.configureOutput().writeOut?.(text(value));
    throw new CommanderError(0, option.name(), "");
  });
}

/** Adds `--completions` and `--manual`, which print what belongs to a shell and to `man`. */
export function withReference(command: Command): Command {
  withPrinted(
    command,
    "--completions <shell>",
    `print a completion script for ${COMPLETION_SHELLS.join(", ")}`,
    (shell) => completionScript(command, shell as CompletionShell),
  );
  const description = "print the manual page, for man";
  return withPrinted(command, "--manual", description, () => manualPage(command, VERSION));
}

/** Adds `--licenses`, for a program that people download. */
export function withLicenses(command: Command): Command {
  const description = "print the licences of everything in this program";
  return withPrinted(command, "--licenses", description, () => LICENSES);
}

/** What people type for an option, as the first word. */
const WORDS: Record<string, string> = { help: "--help", version: "--version" };

/**
 * Parses the arguments and runs the action of the command that they name. A program that needs
 * arguments and gets none prints its help, too.
 *
 * @returns false if they asked for something to be printed, such as the help, which is done then
 * @throws {UsageError} for wrong use, with a hint
 */
export async function parseCommand(command: Command, args: string[]): Promise<boolean> {
  const [first = "", ...others] = args;
  const words = Object.hasOwn(WORDS, first) ? [...others, WORDS[first]!] : args;
  try {
    await command.parseAsync(words, { from: "user" });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return false;
    if (args.length === 0) command.outputHelp();
    const known = command.commands.map((each) => each.name());
    const meant = first.startsWith("-") ? undefined : similarName(first, known);
    const message = meant === undefined
      ? error.message.replace(/^error: /, "").replace(/\.$/, "").replaceAll("'", '"')
      : `unknown command "${first}"; did you mean "${meant}"`;
    const mark = meant === undefined ? ";" : "?";
    throw new UsageError(`${message}${mark} "${command.name()} --help" lists the options`);
  }
}

/** What commander calls a parser on: an option or an argument. */
interface Parsed {
  long?: string;
  name?(): string;
}

/** Turns a function that throws into a parser whose message names the option or argument. */
export function optionParser<T>(parse: (text: string) => T): (text: string) => T {
  return function (this: Parsed | void, text: string): T {
    try {
      return parse(text);
    } catch (error) {
      const name = this?.long ?? `<${this?.name?.()}>`;
      const message = `cannot use ${name}: ${errorMessage(error).replace(/\.$/, "")}`;
      throw new CommanderError(2, "invalid value", message);
    }
  };
}

/** An option whose value is parsed by a function that throws. */
export function option<T>(
  flags: string,
  description: string,
  parse?: (text: string) => T,
): Option {
  const made = new Option(flags, description);
  return parse ? made.argParser(optionParser(parse)) : made;
}

/** Parses an option that may be given several times. */
export function repeatable<T>(
  parse: (text: string) => T,
): (text: string, previous: T[] | undefined) => T[] {
  const parseOne = optionParser(parse);
  return function (this: Parsed | void, text: string, previous: T[] = []) {
    return [...previous, parseOne.call(this, text)];
  };
}

/**
 * Parses a whole number in a range.
 *
 * @throws {TypeError} if it is invalid
 */
export function parseInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new TypeError(`"${text}" is not a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/**
 * Parses one of a few words.
 *
 * @throws {TypeError} if it is another
 */
export function parseChoice<T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    if (!choices.includes(text as T)) {
      throw new TypeError(`"${text}" is not one of ${choices.join(", ")}.`);
    }
    return text as T;
  };
}
