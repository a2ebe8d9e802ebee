import { TransportError } from '../../base/errors.ts';
import { sleepUnlessAborted } from '../../base/clock.ts';
import type { CliContext } from '../context.ts';
import { untilAborted } from '../until-aborted.ts';

/**
 * What `work` resolves with, if that is before `timeoutMs` is over and before the command is asked to end.
 *
 * @throws {@link TransportError} `connection_error` with what `describe` says, if it takes longer; the signal's reason
 */
export async function orTimeout<T>(
  { clock, terminal }: Pick<CliContext, 'clock' | 'terminal'>,
  timeoutMs: number,
  work: Promise<T>,
  describe: () => string,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const waiting = sleepUnlessAborted(clock, timeoutMs, done.signal).then((isLate) => {
    if (isLate) late.abort(new TransportError('connection_error', describe()));
  });
  try {
    return await untilAborted(AbortSignal.any([terminal.signal, late.signal]), work);
  } finally {
    done.abort();
    await waiting;
  }
}
