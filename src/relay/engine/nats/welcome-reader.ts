import type { AccountId } from '../../access/principal.ts';
import type { StoredWelcome } from '../log-engine.ts';
import type { ClaimRecord } from './log-record.ts';
import { recordOf } from './log-record.ts';
import { submissionAt } from './record-reader.ts';
import type { RecordReader } from './record-reader.ts';
import type { Shard } from './shard.ts';
import type { WelcomeFact } from './welcome-fold.ts';

/** Writes a claim and waits until it was read. */
export type WriteClaim = (shard: Shard, claim: Omit<ClaimRecord, 'id'>) => Promise<unknown>;

/** Hands out Welcomes: who gets one is decided by the first claim in the log, where they are is known from the fold. */
export class WelcomeReader {
  readonly #shards: () => readonly Shard[];
  readonly #reader: RecordReader;
  readonly #claim: WriteClaim;

  constructor(shards: () => readonly Shard[], reader: RecordReader, claim: WriteClaim) {
    this.#shards = shards;
    this.#reader = reader;
    this.#claim = claim;
  }

  /** The latest Welcome for a key package, for an account, or for anybody where the relay is open. */
  async read(keyPackageRef: Uint8Array, account: AccountId | undefined): Promise<StoredWelcome | 'taken' | undefined> {
    for (;;) {
      const found = this.#latest(keyPackageRef);
      if (found === undefined) return undefined;
      const { shard, fact } = found;
      const { channel, commitSeq, taker } = fact;
      if (account === undefined || (taker === account && fact.isHanded)) {
        const payload = await this.#payload(shard, fact);
        return payload === undefined ? undefined : { channel, commitSeq, payload };
      }
      if (taker !== undefined && taker !== account) return 'taken';
      await this.#claim(shard, { kind: 'claim', channel, account, keyPackageRef });
    }
  }

  #latest(keyPackageRef: Uint8Array): { readonly shard: Shard; readonly fact: WelcomeFact } | undefined {
    let latest: { shard: Shard; fact: WelcomeFact } | undefined;
    for (const shard of this.#shards()) {
      const fact = shard.fold.welcomes.get(keyPackageRef);
      if (fact !== undefined && fact.stampMs >= (latest?.fact.stampMs ?? 0)) latest = { shard, fact };
    }
    return latest;
  }

  /** `undefined` if retention has taken it. */
  async #payload({ stream }: Shard, { commitSeq, place }: WelcomeFact): Promise<Uint8Array | undefined> {
    if (typeof place === 'number') {
      const record = await this.#reader.record(stream, recordOf(commitSeq));
      const content = record === undefined ? undefined : submissionAt(record, commitSeq).welcomes[place]?.content;
      return content instanceof Uint8Array ? new Uint8Array(content) : undefined;
    }
    const pieces = await Promise.all(place.map((position) => this.#reader.bytes(stream, position)));
    const whole = pieces.filter((piece) => piece !== undefined);
    return whole.length < pieces.length ? undefined : new Uint8Array(Buffer.concat(whole));
  }
}
