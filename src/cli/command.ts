// What every command has in common: the flags --json and --debug, and a help page that begins with what the command
// does and an example.

import type { Command, Help } from "commander";

/** A command as its file describes it. */
export interface CommandDescription {
  /** Name and arguments, as "info <dataset>". */
  usage: string;
  /** One imperative sentence. */
  summary: string;
  /** What each argument is, by its name. */
  args: Readonly<Record<string, string>>;
  /** Command lines that work, each with an optional word on it. */
  examples: readonly (readonly [line: string, meaning: string])[];
}

/** Flags that every command takes. */
export interface CommonOptions {
  json?: boolean;
  debug?: boolean;
}

/** The flag of commands that read or write what is kept beside a dataset. */
export const inFolder = [
  "--in <folder>",
  "folder of your own for what is added to a dataset that is read-only or shared; looked at first",
] as const;

/** The flag of commands that read samples: an index may have lost sight of its files. */
export const sourceFolder = [
  "--source <folder>",
  "of an indexed dataset: the folder with its samples' files, if that was moved",
] as const;

const examplesOf = new WeakMap<Command, CommandDescription["examples"]>();

/** Adds a command to the program; flags and the action are the caller's. */
export function addCommand(program: Command, description: CommandDescription): Command {
  const command = program.command(description.usage).description(description.summary);
  for (const argument of command.registeredArguments) {
    argument.description = description.args[argument.name()] ?? "";
  }
  examplesOf.set(command, description.examples);
  return command
    .option("--json", "print one JSON value on stdout, errors too")
    .option("--debug", "print the stack of an error");
}

/** Adds examples to the program itself. */
export function setExamples(command: Command, examples: CommandDescription["examples"]): void {
  examplesOf.set(command, examples);
}

/** The help page: what it does, an example, then arguments and flags. */
export function formatHelp(command: Command, helper: Help): string {
  const width = helper.padWidth(command, helper);
  const item = (term: string, text: string) => helper.formatItem(term, width, text, helper);
  const options = helper
    .visibleOptions(command)
    .map((option) => item(helper.optionTerm(option), helper.optionDescription(option)));
  const args = helper
    .visibleArguments(command)
    .map((argument) => item(helper.argumentTerm(argument), helper.argumentDescription(argument)));
  const commands = helper
    .visibleCommands(command)
    .map((sub) => item(helper.subcommandTerm(sub), helper.subcommandDescription(sub)));
  const sections = [
    [helper.commandDescription(command)],
    [`Usage: ${helper.commandUsage(command)}`],
    titled("Examples:", formatExamples(examplesOf.get(command) ?? [])),
    titled("Arguments:", args),
    titled("Commands:", commands),
    titled("Options:", options),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** A command in the list of commands: its name and arguments, without the flags that each of them takes. */
export function termOf(command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(" ");
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function formatExamples(examples: CommandDescription["examples"]): string[] {
  return examples.flatMap(([line, meaning]) =>
    meaning === "" ? [`  ${line}`] : [`  ${line}`, `      ${meaning}`],
  );
}
