/** Scripts by which shells complete the options, commands and files of a program. */
import type { Command, Option } from "commander";

/** The shells that there are scripts for. */
export const COMPLETION_SHELLS = ["bash", "zsh", "fish"] as const;
export type CompletionShell = typeof COMPLETION_SHELLS[number];

/** A command as it is completed. */
interface Completed {
  name: string;
  description: string;
  options: CompletedOption[];
  commands: Completed[];
}

interface CompletedOption {
  /** For instance `--ca-file`. */
  flag: string;
  description: string;
  /** What follows it, for instance `file`; missing: nothing. */
  value?: string;
}

function completedOption({ long, flags, description }: Option): CompletedOption {
  return { flag: long!, description, value: /<(.*)>/.exec(flags)?.[1] };
}

function completed(command: Command): Completed {
  const help = command.createHelp();
  return {
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(completedOption),
    commands: help.visibleCommands(command).filter((each) => each.name() !== "help").map(completed),
  };
}

/** Text in single quotes, for sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function words({ options, commands }: Completed): string {
  return [...options.map(({ flag }) => flag), ...commands.map(({ name }) => name)].join(" ");
}

/** What bash does after an option whose value is of a kind. */
const BASH_VALUES = {
  file: 'compopt -o filenames && COMPREPLY=($(compgen -f -- "$current"))',
  dir: 'compopt -o filenames && COMPREPLY=($(compgen -d -- "$current"))',
  other: "COMPREPLY=()",
};

function kindOf(value: string): keyof typeof BASH_VALUES {
  return value === "file" || value === "dir" ? value : "other";
}

function bash(program: Completed): string {
  const kinds = new Map(
    [program, ...program.commands].flatMap(({ options }) => options)
      .flatMap(({ flag, value }) => value === undefined ? [] : [[flag, kindOf(value)] as const]),
  );
  const values = [...kinds].map(([flag, kind]) => `    ${flag}) ${BASH_VALUES[kind]}; return ;;`);
  const commands = program.commands.map((command) =>
    `      ${command.name}) words=${quoted(words(command))} ;;`
  );
  return `_${program.name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} word words=${quoted(words(program))}
  local IFS=$'\\n'
  case \${COMP_WORDS[COMP_CWORD - 1]} in
${values.join("\n")}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case $word in
${[...commands, "      *) ;;"].join("\n")}
    esac
  done
  IFS=' '
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _${program.name} ${program.name}
`;
}

/** How zsh completes what follows an option. */
const ZSH_VALUES: Record<string, string> = { file: "_files", dir: "_files -/" };

function zsh(program: Completed): string {
  const escaped = (text: string) => text.replaceAll(/[[\]:\\]/g, "\\$&");
  const option = ({ flag, description, value }: CompletedOption) => {
    const then = value === undefined ? "" : `:${value}:${ZSH_VALUES[value] ?? " "}`;
    return quoted(`${flag}[${escaped(description)}]${then}`);
  };
  const specs = ({ options }: Completed) => options.map(option).join(" ");
  const name = `_${program.name}`;
  // Found in fpath it is the body of the function; sourced, it is registered.
  const end = `[ "$funcstack[1]" = ${name} ] && ${name} "$@" || compdef ${name} ${program.name}\n`;
  if (program.commands.length === 0) {
    return `#compdef ${program.name}\n${name}() {\n  _arguments ${specs(program)}\n}\n${end}`;
  }
  const names = program.commands.map(({ name, description }) =>
    quoted(`${name}:${escaped(description)}`)
  );
  const cases = program.commands.map((command) =>
    `      ${command.name}) _arguments ${specs(command)} ;;`
  );
  return `#compdef ${program.name}
${name}() {
  local state line commands=(${names.join(" ")})
  _arguments -C ${specs(program)} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac ;;
  esac
}
${end}`;
}

function fish(program: Completed): string {
  const names = program.commands.map(({ name }) => name).join(" ");
  const option = (condition: string, { flag, description, value }: CompletedOption) => {
    const then = value === undefined ? "" : value === "file" || value === "dir" ? " -r -F" : " -x";
    const when = condition === "" ? "" : ` -n ${quoted(condition)}`;
    const long = flag.replace(/^--/, "");
    return `complete -c ${program.name}${when} -l ${long} -d ${quoted(description)}${then}\n`;
  };
  const top = names === "" ? "" : `not __fish_seen_subcommand_from ${names}`;
  const lines = [
    `complete -c ${program.name} -f\n`,
    ...program.options.map((each) => option(top, each)),
    ...program.commands.flatMap(({ name, description, options }) => [
      `complete -c ${program.name} -n ${quoted(top)} -a ${name} -d ${quoted(description)}\n`,
      ...options.map((each) => option(`__fish_seen_subcommand_from ${name}`, each)),
    ]),
  ];
  return lines.join("");
}

const SCRIPTS: Record<CompletionShell, (program: Completed) => string> = { bash, zsh, fish };

/** The script by which a shell completes a program. */
export function completionScript(command: Command, shell: CompletionShell): string {
  return SCRIPTS[shell](completed(command));
}
