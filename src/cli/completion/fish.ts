import type { CompletionEntry } from './words.ts';

/** A script for fish: `skytale completion fish | source`. */
export function fishCompletion(entries: readonly CompletionEntry[]): string {
  const lines = entries.flatMap(({ path, commands, options }) => {
    const names = path === '' ? [] : path.split(' ');
    const inside = names.map((name) => `__fish_seen_subcommand_from ${name}`);
    const outside =
      commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}`];
    const condition = (parts: readonly string[]): string => (parts.length === 0 ? '' : ` -n '${parts.join('; and ')}'`);
    return [
      ...commands.map(
        ({ name, summary }) => `complete -c skytale -f${condition([...inside, ...outside])} -a ${name} -d '${summary}'`,
      ),
      ...options.map(({ flag, summary, choices }) => {
        const values = choices.length === 0 ? '' : ` -x -a '${choices.join(' ')}'`;
        return `complete -c skytale${condition(inside)} -l ${flag.slice(2)}${values} -d '${summary}'`;
      }),
    ];
  });
  return `# skytale completion for fish. Load it with: skytale completion fish | source\n${lines.join('\n')}\n`;
}
