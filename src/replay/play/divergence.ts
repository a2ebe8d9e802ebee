import { RuntimeError } from '../../base/errors.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import type { Json } from '../tape/tape-value.ts';

/** Where a replay first did something else than the recording. */
export interface Divergence {
  /** The record that was not met; behind the last one if more happened than was recorded. */
  readonly record: number;
  /** What was recorded, as it stands on the tape; `undefined` if nothing was. */
  readonly expected: Json | undefined;
  /** What happened instead; `undefined` if nothing did. */
  readonly actual: Json | undefined;
  /** In a sentence. Without payloads. */
  readonly detail: string;
  /** The records that led there, oldest first. At most 16, without what ports have answered. */
  readonly path: readonly TapeRecord[];
}

/** A replay has not done what was recorded. Code `replay_diverged`. */
export class ReplayDivergedError extends RuntimeError {
  readonly divergence: Divergence;

  constructor(divergence: Divergence) {
    const { detail, record, path } = divergence;
    const steps = path.map(({ n, atMs, kind }) => `  ${n}  +${Math.round(atMs)} ms  ${kind}`).join('\n');
    super('replay_diverged', `record ${record}: ${detail}. The path that led there:\n${steps}`);
    this.divergence = divergence;
  }
}
