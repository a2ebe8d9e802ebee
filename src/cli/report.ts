import { CommanderError } from 'commander';
import { toSkytaleError } from '../base/errors.ts';
import type { CliContext } from './context.ts';
import { Ending } from './ending.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';

/** What was typed makes no sense. */
export class UsageError extends Error {
  /** @param detail what is wrong, and what was expected */
  constructor(detail: string) {
    super(detail);
    this.name = 'UsageError';
  }
}

/** Tells on stderr why a command ended, in words or with `--json` as one line of JSON; returns the exit code. */
export function reportEnd(context: CliContext, error: unknown): number {
  if (error instanceof Ending) return error.exitCode;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    // The help that was shown in place of a sub-command says it all.
    if (error.code !== 'commander.help') tell(context, error.message.replace(/^error: /, ''), 'usage', EXIT.usage);
    return EXIT.usage;
  }
  if (error instanceof UsageError) {
    tell(context, error.message, 'usage', EXIT.usage);
    return EXIT.usage;
  }
  const known = toSkytaleError(error);
  const exitCode = exitCodeOf(known);
  tell(context, known.message, known.code, exitCode, known.docUrl);
  return exitCode;
}

function tell({ terminal, argv }: CliContext, message: string, code: string, exitCode: number, docUrl?: string): void {
  if (argv.includes('--json')) {
    const error = { code, message, exit_code: exitCode, ...(docUrl === undefined ? {} : { doc_url: docUrl }) };
    terminal.note(`${JSON.stringify({ error })}\n`);
    return;
  }
  const hint = code === 'usage' ? `\nSee: skytale ${commandWords(argv)}--help` : ` (${code})`;
  terminal.note(`skytale: ${message}${hint}\n`);
}

/** The words that name the command, for the hint; nothing that could be a secret or an argument. */
function commandWords(argv: readonly string[]): string {
  const [first] = argv;
  return first !== undefined && /^[a-z-]+$/.test(first) && !first.startsWith('-') ? `${first} ` : '';
}
