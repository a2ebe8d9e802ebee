import type { ChannelCore } from '../../actors/channel/index.ts';
import type { LiveDesk } from './live-desk.ts';
import type { TapeRecord } from '../tape/tape-record.ts';

/** What makes a tape happen again, record by record. */
export interface Player {
  readonly core: ChannelCore;
  readonly desk: LiveDesk;
  /** When a record is to be played, in milliseconds of the tape. Called for each, in order, when its recorded time has come. */
  dueAtMs(record: TapeRecord): number;
  /**
   * Plays one record, and with a `turn` what belongs to it. Returns how many records that were; those that need nothing to be
   * done are one as well.
   */
  play(record: TapeRecord, index: number): Promise<number> | number;
  /** Waits until all that follows from what was played has happened. */
  settled(): Promise<void>;
  /** The tape is over: ends what still waits. Resolves when the streams have completed. */
  end(): Promise<void>;
}
