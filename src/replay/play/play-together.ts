import { RuntimeError } from '../../base/errors.ts';
import type { Replay } from './replay.ts';

/**
 * Plays several tapes that were recorded at the same time, as for an agent that is on several channels: what happened first is played first,
 * whichever tape it is on. Resolves when all have ended.
 *
 * @throws {@link ReplayDivergedError} `replay_diverged` of the first that differs; {@link RuntimeError} `invalid_argument` for none
 *
 * @example
 * const [lab, press] = [await replay(await readTape('lab.tape')), await replay(await readTape('press.tape'))];
 * lab.channel$.subscribe(({ payload }) => press.channel$.next(payload)); // the agent under test
 * await playTogether(lab, press);
 */
export async function playTogether(...runs: readonly Replay[]): Promise<void> {
  if (runs.length === 0) throw new RuntimeError('invalid_argument', 'Expected at least one replay.');
  for (let next = earliest(runs); next !== undefined; next = earliest(runs)) await next.step();
  for (const run of runs) await run.play();
}

/** The one whose next record comes first, if any goes on. */
function earliest(runs: readonly Replay[]): Replay | undefined {
  let first: { readonly run: Replay; readonly atMs: number } | undefined;
  for (const run of runs) {
    if (run.divergence !== undefined) return undefined;
    const { next, tape } = run;
    const atMs = next && tape.header.startedAtMs + next.atMs;
    if (atMs !== undefined && (first === undefined || atMs < first.atMs)) first = { run, atMs };
  }
  return first?.run;
}
