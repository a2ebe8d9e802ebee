import { copyBytes, equalBytes, toHex } from '../../base/bytes.ts';
import type { LinkStart, LogEntry, PublishAnswer, RefusalReason, Submission } from '../relay-transport.ts';

/** A message may be this many epochs old; what is older is refused as stale. */
const EPOCHS_KEPT = 4n;

/** One channel's log, by the relay's rules, on an array. A model to test against: short before fast. */
export class MemoryLog {
  readonly #entries: LogEntry[] = [];
  readonly #seqById = new Map<string, number>();
  readonly #commitSeqs = new Map<bigint, number>();
  #group: Uint8Array | undefined;
  #currentEpoch = 0n;
  #headSeq = 0;
  #trimmedThrough = 0;

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Sequence number of the latest entry that was ever appended, 0 before the first. */
  get headSeq(): number {
    return this.#headSeq;
  }

  /** Whether the channel belongs to another group. It belongs to none before the first append. */
  isForeign(group: Uint8Array): boolean {
    return this.#group !== undefined && !equalBytes(this.#group, group);
  }

  /** Whether a message id is in the log already. */
  has(messageId: Uint8Array): boolean {
    return this.#seqById.has(toHex(messageId));
  }

  append(group: Uint8Array, submission: Submission, maxPayloadBytes: number, nowMs: number): PublishAnswer {
    const id = toHex(submission.messageId);
    if (this.isForeign(group)) return this.#refuse('foreign-group');
    const known = this.#seqById.get(id);
    if (known !== undefined) return { kind: 'accepted', seq: known, duplicate: true };
    const payloads = [submission, ...(submission.welcomes ?? [])].map(({ payload }) => payload.length);
    if (payloads.some((bytes) => bytes > maxPayloadBytes)) return this.#refuse('too-large');
    const reason = this.#epochRefusal(submission);
    if (reason !== undefined) return this.#refuse(reason);

    const entry: LogEntry = {
      seq: this.#headSeq + 1,
      prevSeq: this.#headSeq,
      kind: submission.kind,
      epoch: submission.epoch,
      messageId: copyBytes(submission.messageId),
      payload: copyBytes(submission.payload),
      storedAtMs: nowMs,
    };
    this.#group ??= copyBytes(group);
    this.#entries.push(entry);
    this.#seqById.set(id, entry.seq);
    this.#headSeq = entry.seq;
    if (entry.kind === 'commit') {
      this.#commitSeqs.set(entry.epoch, entry.seq);
      this.#currentEpoch = entry.epoch + 1n;
    }
    return { kind: 'accepted', seq: entry.seq, duplicate: false };
  }

  /** The position to read on from, or the reason why there is none. */
  locate(start: LinkStart): number | RefusalReason {
    if ('afterSeq' in start) return start.afterSeq <= this.#headSeq ? start.afterSeq : 'log-went-back';
    return this.#commitSeqs.get(start.afterCommitOfEpoch) ?? 'epoch-unknown';
  }

  /** Copies of up to `limit` entries behind a position that no gap follows. */
  read(afterSeq: number, limit: number): readonly LogEntry[] {
    return this.#entries
      .filter(({ seq }) => seq > afterSeq)
      .slice(0, limit)
      .map((entry) => ({ ...entry, messageId: copyBytes(entry.messageId), payload: copyBytes(entry.payload) }));
  }

  /** Where reading goes on if entries right behind `afterSeq` are gone. */
  gapAfter(afterSeq: number): number | undefined {
    return afterSeq < this.#trimmedThrough ? this.#trimmedThrough + 1 : undefined;
  }

  /** A log that holds the same, and goes its own way from here on. */
  copy(): MemoryLog {
    const copy = new MemoryLog();
    copy.#entries.push(...this.#entries);
    for (const [id, seq] of this.#seqById) copy.#seqById.set(id, seq);
    for (const [epoch, seq] of this.#commitSeqs) copy.#commitSeqs.set(epoch, seq);
    copy.#group = this.#group;
    copy.#currentEpoch = this.#currentEpoch;
    copy.#headSeq = this.#headSeq;
    copy.#trimmedThrough = this.#trimmedThrough;
    return copy;
  }

  /** Forgets all entries up to and including `seq`, as retention does. */
  trim(seq: number): void {
    this.#trimmedThrough = Math.max(this.#trimmedThrough, Math.min(seq, this.#headSeq));
    while ((this.#entries[0]?.seq ?? Infinity) <= this.#trimmedThrough) this.#entries.shift();
  }

  /** Forgets what came behind `seq`, as if it had never been: a relay that was restored from a backup. */
  rewind(seq: number): void {
    while ((this.#entries.at(-1)?.seq ?? 0) > seq) {
      const entry = this.#entries.pop();
      if (entry === undefined) break;
      this.#seqById.delete(toHex(entry.messageId));
      if (entry.kind !== 'commit') continue;
      this.#commitSeqs.delete(entry.epoch);
      this.#currentEpoch = entry.epoch;
    }
    this.#headSeq = Math.max(Math.min(this.#headSeq, seq), this.#trimmedThrough);
    if (this.#headSeq === 0) this.#group = undefined;
  }

  #epochRefusal({ kind, epoch }: Submission): RefusalReason | undefined {
    if (epoch > this.#currentEpoch) return 'epoch-unknown';
    if (kind === 'commit') return epoch < this.#currentEpoch ? 'epoch-decided' : undefined;
    return epoch + EPOCHS_KEPT < this.#currentEpoch ? 'stale-epoch' : undefined;
  }

  #refuse(reason: RefusalReason): PublishAnswer {
    return { kind: 'refused', reason, detail: '', currentEpoch: this.#currentEpoch };
  }
}
