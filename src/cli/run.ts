import type { CliContext } from './context.ts';
import { createProgram } from './program.ts';
import { reportEnd } from './report.ts';

/** Runs the command of `context.argv` to its end, and returns the exit code. Never throws. */
export async function run(context: CliContext): Promise<number> {
  try {
    await createProgram(context).parseAsync([...context.argv], { from: 'user' });
    // A command that was asked to end, and ended by itself, says so in its exit code.
    if (!context.isSignalAnEnd) context.terminal.signal.throwIfAborted();
    return context.exitCode;
  } catch (error) {
    return reportEnd(context, error);
  }
}
