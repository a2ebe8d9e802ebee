import type { Command } from 'commander';

/** What may follow one command of the program. */
export interface CompletionEntry {
  /** Names of the commands that lead there, `keys create`; empty for the program itself. */
  readonly path: string;
  /** Sub-commands with what they do. */
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  /** Long options with what they do. */
  readonly options: readonly { readonly flag: string; readonly summary: string; readonly choices: readonly string[] }[];
}

/** The words of a program, command by command, for scripts that complete them. */
export function completionEntries(program: Command): readonly CompletionEntry[] {
  const entries: CompletionEntry[] = [];
  const visit = (command: Command, path: readonly string[]): void => {
    const help = command.createHelp();
    const children = help.visibleCommands(command);
    entries.push({
      path: path.join(' '),
      commands: children.map((child) => ({ name: child.name(), summary: plain(child.description()) })),
      options: help
        .visibleOptions(command)
        .flatMap(({ long, description, argChoices = [] }) =>
          long === undefined ? [] : [{ flag: long, summary: plain(description), choices: argChoices }],
        ),
    });
    for (const child of command.commands) visit(child, [...path, child.name()]);
  };
  visit(program, []);
  return entries;
}

/** Without what would mean something to a shell. */
function plain(text: string): string {
  return text.replace(/[^\w .,;()/<>=~-]/g, '');
}
