import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { Shard } from './shard.ts';

/** What a {@link SnapshotTimer} goes by. */
export interface SnapshotPolicy {
  readonly clock: Clock;
  readonly random: Random;
  /** Records after which a shard's state is written down. */
  readonly snapshotRecords: number;
  readonly onWarning: (message: string) => void;
}

/** How often a relay looks whether it is time. */
const INTERVAL_MS = 5000;
/** A shard in which anything has happened is written down after so many looks, however little it was. */
const MAX_LOOKS = 60;

/**
 * Has the shards' states written down, so that a relay that starts has little to read, and so that what retention deletes
 * was written down long before. Relays look at different moments; who comes first does it for all.
 */
export class SnapshotTimer {
  readonly #shards: readonly Shard[];
  readonly #policy: SnapshotPolicy;
  readonly #looks: number[];
  #cancel: () => void = () => undefined;
  #isClosed = false;

  constructor(shards: readonly Shard[], policy: SnapshotPolicy) {
    this.#shards = shards;
    this.#policy = policy;
    this.#looks = shards.map(() => 0);
    this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #plan(): void {
    if (this.#isClosed) return;
    const { clock, random } = this.#policy;
    this.#cancel = clock.schedule(INTERVAL_MS * (0.5 + random.fraction()), () => void this.#look());
  }

  #hasEnded(): boolean {
    return this.#isClosed;
  }

  async #look(): Promise<void> {
    for (const shard of this.#shards) {
      const records = shard.fold.lastRecord - shard.snapshotRecord;
      const looks = records === 0 ? 0 : (this.#looks[shard.index] ?? 0) + 1;
      this.#looks[shard.index] = looks;
      if (this.#isClosed || (records < this.#policy.snapshotRecords && looks < MAX_LOOKS)) continue;
      this.#looks[shard.index] = 0;
      try {
        await shard.saveSnapshot(Math.min(records, this.#policy.snapshotRecords));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!this.#hasEnded()) this.#policy.onWarning(`the state of ${shard.stream} was not written down: ${reason}`);
      }
    }
    this.#plan();
  }
}
