import { crc32 } from 'node:zlib';
import { RuntimeError } from '../../../base/errors.ts';
import type { NatsLink } from './nats-link.ts';
import type { SubjectNames } from './subjects.ts';

/** A shard's state, written down. */
export interface Snapshot {
  /** The last record that is in it. */
  readonly record: number;
  readonly bytes: Uint8Array;
}

/** Says that a snapshot is whole, and where its pieces are. */
interface SnapshotHead {
  readonly record: number;
  readonly checksum: number;
  /** Sequence numbers in the stream of facts, rising. */
  readonly pieces: readonly number[];
}

const PIECE_BYTES = 512 * 1024;
/** A snapshot that is replaced while it is read is read again, from the new one. */
const ATTEMPTS = 5;

/** The snapshots of the shards, one of each. Written by whichever relay finds it is time, one at a time. */
export class SnapshotStore {
  readonly #link: NatsLink;
  readonly #names: SubjectNames;

  constructor(link: NatsLink, names: SubjectNames) {
    this.#link = link;
    this.#names = names;
  }

  /** The last record that is in the latest snapshot, 0 if there is none. */
  async lastRecord(shard: number): Promise<number> {
    return (await this.#head(shard))?.head.record ?? 0;
  }

  /** @throws {@link RuntimeError} `store_damaged` if it is not what was written. */
  async load(shard: number): Promise<Snapshot | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await this.#head(shard);
      if (found === undefined) return undefined;
      const { record, checksum, pieces } = found.head;
      const parts: Uint8Array[] = [];
      for (const seq of pieces) {
        const message = await this.#link.manager.streams.getMessage(this.#names.facts, { seq });
        if (message !== null) parts.push(message.data);
      }
      if (parts.length < pieces.length) continue;
      const bytes = Buffer.concat(parts);
      if (crc32(bytes) !== checksum) break;
      return { record, bytes };
    }
    throw new RuntimeError('store_damaged', `the snapshot of shard ${shard} is not what was written`);
  }

  /** Writes a snapshot, unless another relay is ahead. Returns the last record that is in the latest one. */
  async save(shard: number, { record, bytes }: Snapshot): Promise<number> {
    const before = await this.#head(shard);
    if (before !== undefined && before.head.record >= record) return before.head.record;
    const { client, manager } = this.#link;
    const pieces: number[] = [];
    for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
      const piece = bytes.subarray(offset, offset + PIECE_BYTES);
      pieces.push((await client.publish(this.#names.snapshotPieces(shard), piece)).seq);
    }
    const head: SnapshotHead = { record, checksum: crc32(bytes), pieces };
    // If somebody else has finished one since, this one is left to be purged: its pieces may be purged already.
    await client.publish(this.#names.snapshotHeads(shard), JSON.stringify(head), {
      expect: { lastSubjectSequence: before?.seq ?? 0 },
    });
    const { facts } = this.#names;
    // Nothing to purge; and nats-server 2.10 takes a purge below sequence number 1 for one of everything.
    if (before === undefined) return record;
    await manager.streams.purge(facts, { filter: this.#names.snapshotPieces(shard), seq: pieces[0] ?? 0 });
    await manager.streams.purge(facts, { filter: this.#names.snapshotHeads(shard), keep: 1 });
    return record;
  }

  async #head(shard: number): Promise<{ readonly head: SnapshotHead; readonly seq: number } | undefined> {
    const subject = this.#names.snapshotHeads(shard);
    const message = await this.#link.manager.streams.getMessage(this.#names.facts, { last_by_subj: subject });
    return message === null ? undefined : { head: message.json<SnapshotHead>(), seq: message.seq };
  }
}
