import type { MlsEngineOptions } from '../../mls/index.ts';
import type { Expectation } from './comparison.ts';
import type { Divergence } from './divergence.ts';
import type { TapeFault } from './tape-fault.ts';
import type { TapeMode, TapeRecord } from '../tape/tape-record.ts';

/** Options of `replay`. */
export interface ReplayOptions {
  /** How much faster than it was recorded; `max` does not wait at all. Default `max`. */
  readonly speed?: number | 'max';
  /** What has to be as it was. Default `exact`. Of a `plaintext` tape only what the code under test asks for can differ. */
  readonly expect?: Expectation;
  /** What the tape has to be; any other is refused. Default whatever it is. */
  readonly mode?: TapeMode;
  /** Where `play` ends: behind the record of this number, or in front of the first for which this holds. Default at the end. */
  readonly until?: number | ((next: TapeRecord) => boolean);
  /**
   * For `plaintext` tapes: what goes wrong, and did not then. One that never happens fails the replay. What goes wrong below that is for a
   * `World`, with a fault plan.
   */
  readonly faults?: readonly TapeFault[];
  /**
   * Whether it fails the replay when the code under test starts a timer of the machine's clock, even one that it clears again: `setTimeout` and
   * `setInterval`, global or imported. Default `fail`. Reads of the machine's clock are not noticed, nor are timers that were started before
   * the replay plays, but for those of an agent that {@link Replay.meet} starts.
   */
  readonly strayTimers?: 'fail' | 'allow';
  /**
   * Whether code under test passes that asks for nothing at all, on a tape on which something was sent. Default `allow`: it may be a spectator.
   * `assertReplays` and `toReplay` have `fail` as default: an agent that says nothing is not the one that was recorded.
   */
  readonly silence?: 'allow' | 'fail';
  /** For `wire` tapes: what the client was given, such as its policy on members. Its suite is the tape's. */
  readonly engine?: Omit<MlsEngineOptions, 'suite'>;
}

/** How a replay has ended. */
export interface ReplayResult {
  /** Records that were played. */
  readonly records: number;
  /** Events that were shown as they were recorded; 0 for a `plaintext` tape, which shows nothing but that. */
  readonly matched: number;
  readonly divergence: Divergence | undefined;
}
