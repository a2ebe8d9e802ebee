import type { Clock } from '../base/clock.ts';
import type { AgentSession } from './agent/agent-session.ts';
import type { Terminal } from './terminal.ts';

/** What a command runs in. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The arguments behind `skytale`. */
  readonly argv: readonly string[];
  readonly clock: Clock;
  /** Absolute path of the user's home. */
  readonly home: string;
  /** An agent that is open already, for a command of another process that asks for the same data directory. */
  readonly lent?: AgentSession;
  /** Runs another command line; for those that other processes hand over. */
  readonly run: (context: CliContext) => Promise<number>;
  /** Whether a signal is how the command ends when all is well, as with a server. */
  isSignalAnEnd: boolean;
  /** What the command ends with if it ends without an error. */
  exitCode: number;
}
