import { join } from 'node:path';

/** Raised when an older process would misread a newer one. */
export const COMMAND_VERSION: number = 1;

/** The longest line between two processes: one piece of input or output in base64, with room to spare. */
export const MAX_FRAME_BYTES: number = 4 * 1024 * 1024;

/** Systems take about 104 bytes; the shortest limit counts. */
const MAX_PATH_BYTES = 100;

/** What the process that hands a command over says. JSON, one object a line. */
export type CallerFrame =
  | {
      readonly kind: 'run';
      readonly version: number;
      readonly argv: readonly string[];
      readonly isTty: boolean;
      readonly isErrorTty: boolean;
      readonly isInputTty: boolean;
      readonly hasColour: boolean;
      readonly columns: number;
      readonly rows: number;
    }
  /** In answer to `want`: one piece of stdin, base64. */
  | { readonly kind: 'input'; readonly data: string }
  | { readonly kind: 'input-end' };

/** What the process that has the data directory says. */
export type HolderFrame =
  | { readonly kind: 'output'; readonly data: string }
  | { readonly kind: 'note'; readonly text: string }
  /** The command reads the next piece of stdin. */
  | { readonly kind: 'want' }
  | { readonly kind: 'exit'; readonly code: number }
  /** This process ends before the command is done. */
  | { readonly kind: 'handover' };

/** Where the process that has a data directory listens; `undefined` where there is no such place. */
export function commandSocketPath(dataDir: string): string | undefined {
  const path = join(dataDir, 'command.sock');
  return process.platform === 'win32' || Buffer.byteLength(path) > MAX_PATH_BYTES ? undefined : path;
}
