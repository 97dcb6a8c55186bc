/** The manual page of a program, in the man macros of roff, from the lines of its help. */
import type { Command } from "commander";

/** Text as roff prints it as it is. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(/^(?=[.'])/gm, "\\&");
}

/** A list of terms, each with what it means. */
function list(entries: { term: string; description: string }[]): string {
  return entries.map(({ term, description }) =>
    `.TP\n.B ${escaped(term)}\n${escaped(description)}\n`
  ).join("");
}

function section(title: string, text: string): string {
  return text === "" ? "" : `.SH ${title}\n${text}`;
}

/** Options, or arguments, of a command as its help lists them. */
function terms(command: Command, of: "Options" | "Arguments"): string {
  const help = command.createHelp();
  return of === "Options"
    ? list(
      help.visibleOptions(command).map((option) => ({
        term: help.optionTerm(option),
        description: help.optionDescription(option),
      })),
    )
    : list(
      help.visibleArguments(command).map((argument) => ({
        term: `<${help.argumentTerm(argument)}>`,
        description: help.argumentDescription(argument),
      })),
    );
}

/** What the help says after its lists. */
function epilogue(command: Command): string {
  let text = "";
  const { writeOut } = command.configureOutput();
  command.configureOutput({ writeOut: (part) => text += part });
  command.outputHelp();
  command.configureOutput({ writeOut });
  return text.replace(command.helpInformation(), "").trim();
}

/**
 * The manual page of a program.
 *
 * @param version goes into its footer
 */
export function manualPage(command: Command, version: string): string {
  const name = command.name();
  const commands = command.commands.filter((each) => each.name() !== "help");
  const usage = command.createHelp().commandUsage(command);
  const after = epilogue(command);
  return [
    `.TH ${name.toUpperCase()} 1 "" "Converge ${version}" "Converge"\n`,
    section("NAME", `${name} \\- ${escaped(command.description().replace(/\.$/, ""))}\n`),
    section("SYNOPSIS", `.B ${escaped(usage)}\n`),
    section("ARGUMENTS", terms(command, "Arguments")),
    section("OPTIONS", terms(command, "Options")),
    ...commands.map((each) =>
      section(
        `${name} ${each.name()}`.toUpperCase(),
        `${escaped(each.description())}.\n${terms(each, "Options")}`,
      )
    ),
    section("ENVIRONMENT", after === "" ? "" : `${escaped(after)}\n`),
    section("EXIT STATUS", "0 for a clean end, 1 for a failure, 2 for wrong use.\n"),
    section("SEE ALSO", ".BR ssh (1),\n.BR ssh_config (5)\n"),
  ].join("");
}
