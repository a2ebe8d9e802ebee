import type { CliContext } from '../context.ts';
import { readAll } from '../lines.ts';
import { UsageError } from '../report.ts';

const MAX_BYTES = 4 * 1024 * 1024;

/** Bytes that stdin holds as base64; `what` they are, for the error. */
export async function base64Input({ terminal }: CliContext, what: string): Promise<Uint8Array> {
  if (terminal.isInputTty) terminal.note(`Paste ${what} and press Ctrl-D.\n`);
  const text = Buffer.from(await readAll(terminal.input, MAX_BYTES))
    .toString('utf8')
    .replace(/\s/g, '');
  if (text !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) return new Uint8Array(Buffer.from(text, 'base64'));
  throw new UsageError(`expected ${what} in base64 on stdin`);
}
