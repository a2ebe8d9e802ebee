import { Argument, Command } from 'commander';
import type { CliContext } from '../context.ts';
import { explain, jsonOption } from '../options.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { completionEntries } from './words.ts';
import { zshCompletion } from './zsh.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `skytale completion`. */
export function completionCommand({ terminal }: CliContext): Command {
  const command = jsonOption(
    new Command('completion')
      .description('print a script that completes commands and options')
      .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS))),
    'print the words of each command as one JSON object, for other shells',
  ).action(async (shell: keyof typeof SHELLS, { json }: { readonly json: boolean }) => {
    const entries = completionEntries(command.parent ?? command);
    await terminal.write(json ? `${JSON.stringify({ commands: entries })}\n` : SHELLS[shell](entries));
  });
  return explain(command, {
    examples: [
      '# bash, for this shell, and for all to come:',
      'source <(skytale completion bash)',
      'skytale completion bash > ~/.local/share/bash-completion/completions/skytale',
      '# zsh, behind compinit in ~/.zshrc:',
      'source <(skytale completion zsh)',
      '# fish:',
      'skytale completion fish > ~/.config/fish/completions/skytale.fish',
    ],
  });
}
