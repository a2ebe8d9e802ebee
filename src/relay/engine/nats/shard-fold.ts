import type { ChannelName } from '../../../base/channel-name.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { PublishAnswer } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import type { AccessChange } from '../log-engine.ts';
import { holdsForKnownId, refusalOf } from '../log-rules.ts';
import { AccountUsage } from './account-usage.ts';
import { ByteReader, ByteWriter } from './byte-codec.ts';
import { ChannelFold } from './channel-fold.ts';
import { IdWindow } from './id-window.ts';
import { entrySeq } from './log-record.ts';
import type { AppendPart, AppendRecord, ClaimRecord, LogRecord, MemberRecord, RecordSubmission } from './log-record.ts';
import { TimeMarks } from './time-marks.ts';
import { WelcomeFold } from './welcome-fold.ts';

/**
 * What became of a submission. `again`: it would be stored, but the record does not hold its payload. `expired`: its place in
 * the quota had expired.
 */
export type Verdict = PublishAnswer | 'again' | 'expired';

/** An entry that a record brought. */
export interface FoldedEntry {
  readonly seq: number;
  readonly prevSeq: number;
  readonly submission: RecordSubmission;
}

/** What a record has done. */
export interface Folded {
  /** Of an append: one per submission, in order. */
  readonly verdicts: readonly Verdict[];
  /** For each verdict: the messages that its account had stored in its month by then, in this shard. */
  readonly counts: readonly number[];
  /** The entries that it brought to its channel. */
  readonly entries: readonly FoldedEntry[];
  readonly channel: ChannelFold | undefined;
  /** Stamp of the entries. */
  readonly stampMs: number;
  readonly accessChanges: readonly AccessChange[];
  /** Of a trim: how many entries it took. Of any other: 1 if it was taken as it was meant, 0 if not. */
  readonly count: number;
}

const FORMAT = 1;
const EVERY_CHANNEL = Number.MAX_SAFE_INTEGER;

/**
 * The state of a shard: a function of the records that were read, in the order of the stream, and of nothing else. So every
 * relay that has read as far has the same, whatever retention has left of the records in the meantime.
 */
export class ShardFold {
  /** The last record that was read. */
  lastRecord = 0;
  /** Stamp of the last append. Never goes back, whatever the relays' clocks do. */
  lastStampMs = 0;
  /** The last append, and the last one that a trim of the whole shard took. */
  lastAppend = 0;
  trimmedRecord = 0;
  readonly channels: Map<ChannelName, ChannelFold> = new Map();
  readonly welcomes: WelcomeFold;
  readonly usage: AccountUsage;
  readonly marks: TimeMarks;
  readonly #ids: IdWindow;

  constructor(idWindow: number, parts?: Pick<ShardFold, 'welcomes' | 'usage' | 'marks'> & { readonly ids: IdWindow }) {
    this.#ids = parts?.ids ?? new IdWindow(idWindow);
    this.welcomes = parts?.welcomes ?? new WelcomeFold();
    this.usage = parts?.usage ?? new AccountUsage();
    this.marks = parts?.marks ?? new TimeMarks();
  }

  /** The number of a channel's message, if its id is among the newest. */
  seqOf(channel: ChannelName, messageId: Uint8Array): number | undefined {
    const fold = this.channels.get(channel);
    return fold === undefined ? undefined : this.#ids.get(fold.number, messageId);
  }

  /** Reads the record that the stream has at `position`, stored at `serverMs` by the server's clock. */
  apply(position: number, serverMs: number, record: LogRecord): Folded {
    this.lastRecord = position;
    switch (record.kind) {
      case 'append':
        return this.#append(position, serverMs, record);
      case 'claim':
        return this.#claim(record);
      case 'admit':
      case 'expel':
        return this.#changeMember(record);
      case 'trim-channel':
        return this.#nothing(this.channels.get(record.channel)?.trim(record.upToSeq) ?? 0);
      case 'trim-shard':
        return this.#nothing(this.#trim(record.upToRecord));
    }
  }

  #append(position: number, serverMs: number, record: AppendRecord): Folded {
    this.lastStampMs = Math.max(this.lastStampMs, record.storedAtMs);
    this.lastAppend = position;
    this.marks.add(position, this.lastStampMs);
    const entries: FoldedEntry[] = [];
    const counts: number[] = [];
    const accessChanges: AccessChange[] = [];
    let place = 0;
    const verdicts = record.parts.flatMap((part) =>
      part.submissions.map((submission): Verdict => {
        const seq = entrySeq(position, place++);
        const verdict = this.#judge(record, part, submission, serverMs, seq);
        if (typeof verdict === 'object' && verdict.kind === 'accepted' && !verdict.duplicate) {
          entries.push(this.#store(record.channel, part, submission, seq, accessChanges));
        }
        counts.push(part.account === undefined ? 0 : this.usage.of(part.account, part.monthStartMs));
        return verdict;
      }),
    );
    const channel = this.channels.get(record.channel);
    const hasCommit = record.parts.some((part) => part.submissions.some(({ kind }) => kind === 'commit'));
    if (channel !== undefined && hasCommit) channel.lastCommitRecord = position;
    return { verdicts, counts, entries, channel, stampMs: this.lastStampMs, accessChanges, count: 1 };
  }

  #judge(
    { channel: name, staleEpochs }: AppendRecord,
    part: AppendPart,
    submission: RecordSubmission,
    serverMs: number,
    seq: number,
  ): Verdict {
    const channel = this.channels.get(name);
    const { account } = part;
    const access = account === undefined ? undefined : (channel?.accessOf(account) ?? 'unclaimed');
    const { kind, messageId, payload } = submission;
    const refusal = refusalOf(
      {
        channel: { group: channel?.group, epoch: channel?.epoch ?? 0 },
        // Channels and quotas are counted over all shards, so before a record is written.
        channels: 0,
        publisher: access === undefined ? undefined : { access, messages: 0, messagesPerMonth: undefined },
        nowMs: 0,
        stampMs: 0,
      },
      part.group,
      { kind, epoch: BigInt(submission.epoch), messageId, payload: messageId },
      { staleEpochs, maxChannels: EVERY_CHANNEL },
    );
    if (refusal !== undefined && holdsForKnownId(refusal)) return refusal;
    const known = this.seqOf(name, messageId);
    if (known !== undefined) return { kind: 'accepted', seq: known, duplicate: true };
    if (refusal !== undefined) return refusal;
    if (payload === undefined) return 'again';
    if (kind === 'message' && part.reservedUntilMs !== 0 && serverMs > part.reservedUntilMs) return 'expired';
    return { kind: 'accepted', seq, duplicate: false };
  }

  #store(
    name: ChannelName,
    { group, account, monthStartMs }: AppendPart,
    submission: RecordSubmission,
    seq: number,
    accessChanges: AccessChange[],
  ): FoldedEntry {
    const channel = this.channels.get(name) ?? this.#create(name, group);
    const prevSeq = channel.headSeq;
    channel.add(seq);
    this.#ids.add(channel.number, submission.messageId, seq);
    if (account !== undefined) {
      if (!channel.isClaimed) {
        channel.isClaimed = true;
        // Who took a Welcome of the channel before has waited for this.
        channel.members.add(account);
        for (const member of channel.members) {
          accessChanges.push({ kind: 'admitted', channel: name, account: member });
        }
      }
      if (submission.kind === 'message') this.usage.add(account, monthStartMs);
    }
    if (submission.kind === 'commit') {
      channel.epoch += 1;
      channel.commitSeqs.push(seq);
      submission.welcomes.forEach(({ keyPackageRefs, content }, index) => {
        const place = content instanceof Uint8Array ? index : content;
        const fact = { channel: name, commitSeq: seq, place, stampMs: this.lastStampMs };
        for (const ref of keyPackageRefs) this.welcomes.add(ref, fact);
      });
    }
    return { seq, prevSeq, submission };
  }

  #claim({ channel: name, account, keyPackageRef }: ClaimRecord): Folded {
    const welcome = this.welcomes.get(keyPackageRef);
    // A later Welcome, for another channel, may have come since the claimant looked: it looks again.
    if (welcome?.channel !== name) return this.#nothing(0);
    if (welcome.taker !== undefined && welcome.taker !== account) return this.#nothing(0);
    welcome.taker = account;
    if (welcome.isHanded) return this.#nothing(1);
    welcome.isHanded = true;
    return this.#admit(name, account);
  }

  #changeMember({ kind, channel: name, account }: MemberRecord): Folded {
    const channel = this.channels.get(name);
    if (channel?.isClaimed !== true) return this.#nothing(0);
    if (kind === 'admit') return this.#admit(name, account);
    if (!channel.members.delete(account)) return this.#nothing(0);
    return { ...this.#nothing(1), accessChanges: [{ kind: 'expelled', channel: name, account }] };
  }

  #admit(name: ChannelName, account: AccountId): Folded {
    const channel = this.channels.get(name);
    if (channel === undefined || channel.members.has(account)) return this.#nothing(1);
    channel.members.add(account);
    if (!channel.isClaimed) return this.#nothing(1);
    return { ...this.#nothing(1), accessChanges: [{ kind: 'admitted', channel: name, account }] };
  }

  #trim(upToRecord: number): number {
    this.trimmedRecord = Math.max(this.trimmedRecord, upToRecord);
    this.welcomes.trim(upToRecord);
    this.marks.trim(upToRecord);
    let count = 0;
    for (const channel of this.channels.values()) count += channel.trim(entrySeq(upToRecord + 1, 0) - 1);
    return count;
  }

  #create(name: ChannelName, group: Uint8Array): ChannelFold {
    const channel = new ChannelFold(name, this.channels.size, new Uint8Array(group));
    this.channels.set(name, channel);
    return channel;
  }

  #nothing(count: number): Folded {
    const stampMs = this.lastStampMs;
    return { verdicts: [], counts: [], entries: [], channel: undefined, stampMs, accessChanges: [], count };
  }

  /** All of it, for a relay that starts later. */
  encode(): Uint8Array {
    const writer = new ByteWriter(64 * 1024);
    writer.varint(FORMAT);
    writer.varint(this.lastRecord);
    writer.varint(this.lastStampMs);
    writer.varint(this.lastAppend);
    writer.varint(this.trimmedRecord);
    writer.varint(this.channels.size);
    for (const channel of this.channels.values()) channel.writeTo(writer);
    this.welcomes.writeTo(writer);
    this.usage.writeTo(writer);
    this.marks.writeTo(writer);
    this.#ids.writeTo(writer);
    return writer.finish();
  }

  /** @throws {@link RuntimeError} `store_damaged`, `data_dir_version` */
  static decode(bytes: Uint8Array, idWindow: number): ShardFold {
    const reader = new ByteReader(bytes);
    if (reader.varint() > FORMAT) {
      throw new RuntimeError('data_dir_version', 'the state of the log was written by a newer version of the relay');
    }
    const lastRecord = reader.varint();
    const lastStampMs = reader.varint();
    const lastAppend = reader.varint();
    const trimmedRecord = reader.varint();
    let number = 0;
    const channels = reader.list(() => ChannelFold.readFrom(reader, number++));
    const welcomes = WelcomeFold.readFrom(reader);
    const usage = AccountUsage.readFrom(reader);
    const marks = TimeMarks.readFrom(reader);
    const fold = new ShardFold(idWindow, { welcomes, usage, marks, ids: IdWindow.readFrom(reader, idWindow) });
    fold.lastRecord = lastRecord;
    fold.lastStampMs = lastStampMs;
    fold.lastAppend = lastAppend;
    fold.trimmedRecord = trimmedRecord;
    for (const channel of channels) fold.channels.set(channel.name, channel);
    return fold;
  }
}
