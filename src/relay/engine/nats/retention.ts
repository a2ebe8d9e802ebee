import type { ChannelName } from '../../../base/channel-name.ts';
import { RuntimeError } from '../../../base/errors.ts';
import { recordOf } from './log-record.ts';
import type { LogRecord } from './log-record.ts';
import type { NatsLink } from './nats-link.ts';
import { encodeRecord } from './record-codec.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Shard } from './shard.ts';
import type { SubjectNames } from './subjects.ts';

/**
 * Trims the log. A trim is a record like any other, so that all relays agree on what is gone; the servers are told to delete
 * it after that, and only what is in a snapshot: whoever starts later must not miss a record that he has to fold.
 */
export class Retention {
  readonly #link: NatsLink;
  readonly #writer: RecordWriter;
  readonly #names: SubjectNames;
  readonly #freshId: () => Uint8Array;
  readonly #onWarning: (message: string) => void;
  /** Deletions at the servers, one at a time. */
  #deleting: Promise<void> = Promise.resolve();

  constructor(
    link: NatsLink,
    writer: RecordWriter,
    names: SubjectNames,
    freshId: () => Uint8Array,
    onWarning: (message: string) => void,
  ) {
    this.#link = link;
    this.#writer = writer;
    this.#names = names;
    this.#freshId = freshId;
    this.#onWarning = onWarning;
  }

  /** Trims a channel up to a sequence number; resolves to how many entries that took. */
  async trimChannel(shard: Shard, channel: ChannelName, upToSeq: number): Promise<number> {
    const fold = shard.fold.channels.get(channel);
    if (fold === undefined) return 0;
    const upTo = Math.min(upToSeq, fold.headSeq);
    if (upTo <= fold.trimmedSeq) return 0;
    const record: LogRecord = { kind: 'trim-channel', id: this.#freshId(), channel, upToSeq: upTo };
    const count = await this.#write(shard, this.#names.record(channel, 'trims'), record);
    const [next] = fold.after(upTo, 1).seqs;
    const last = next === undefined ? recordOf(upTo) : recordOf(next) - 1;
    for (const kind of ['messages', 'commits'] as const) {
      this.#delete(shard, last, this.#names.record(channel, kind));
    }
    return count;
  }

  /** Trims what a shard has of before a time; resolves to how many entries that took. */
  async trimStoredBefore(shard: Shard, timeMs: number): Promise<number> {
    const { fold } = shard;
    const cut = fold.marks.lastBefore(timeMs, { record: fold.lastAppend, stampMs: fold.lastStampMs });
    if (cut <= fold.trimmedRecord) return 0;
    const record: LogRecord = { kind: 'trim-shard', id: this.#freshId(), upToRecord: cut };
    const count = await this.#write(shard, this.#names.shardRecord(shard.index), record);
    this.#delete(shard, cut, undefined);
    return count;
  }

  /** Resolves when what was to be deleted is deleted, or could not be. */
  settled(): Promise<void> {
    return this.#deleting;
  }

  async #write(shard: Shard, subject: string, record: LogRecord): Promise<number> {
    const result = await this.#writer.write(shard, { id: record.id, subject, bytes: encodeRecord(record) });
    if (result.kind === 'written') return result.folded.count;
    throw new RuntimeError('store_error', 'the log cannot be written just now');
  }

  /** Nobody waits for it: what is trimmed is not delivered any more, whether it is deleted or not. */
  #delete(shard: Shard, upToRecord: number, filter: string | undefined): void {
    this.#deleting = this.#deleting.then(async () => {
      try {
        if (shard.snapshotRecord < upToRecord) await shard.saveSnapshot();
        const seq = Math.min(upToRecord, shard.snapshotRecord) + 1;
        if (seq <= 1) return; // nats-server 2.10 takes it for a purge of everything
        await this.#link.manager.streams.purge(shard.stream, filter === undefined ? { seq } : { filter, seq });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#onWarning(`trimmed entries of ${shard.stream} are not deleted yet: ${reason}`);
      }
    });
  }
}
