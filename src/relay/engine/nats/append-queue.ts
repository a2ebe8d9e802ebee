import type { ChannelName } from '../../../base/channel-name.ts';
import type { PublishAnswer, WelcomeSubmission } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import type { Publisher } from '../log-engine.ts';
import { refusalOf, refused } from '../log-rules.ts';
import { monthStart } from '../month.ts';
import { planAppend } from './append-plan.ts';
import type { Item, PlanContext, PlannedItem } from './append-plan.ts';
import { PLACES } from './log-record.ts';
import type { AppendPart, AppendRecord, RecordSubmission } from './log-record.ts';
import type { QuotaLedger, Reservation } from './quota-ledger.ts';
import { encodeRecord, SUBMISSION_OVERHEAD_BYTES } from './record-codec.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Shard } from './shard.ts';
import type { Verdict } from './shard-fold.ts';
import type { SubjectNames } from './subjects.ts';

/** What the queues of all channels share. */
export interface AppendContext {
  readonly names: SubjectNames;
  readonly writer: RecordWriter;
  readonly ledger: QuotaLedger;
  readonly isUp: () => boolean;
  readonly freshId: () => Uint8Array;
  /** What plans go by, at this moment, for this channel. */
  readonly planContext: (channel: ChannelName) => PlanContext;
  /** Bytes that a record may have. */
  readonly maxRecordBytes: () => number;
}

/** An account's items of one round that need a place in its quota. */
interface Metered {
  readonly by: Publisher;
  readonly monthStartMs: number;
  readonly items: Item[];
  reservation: Reservation;
}

/** Compare-and-set only keeps losers from being stored, and after retention the server has forgotten what it compares with. */
const MAX_OUTRUN = 2;

/**
 * What waits to be appended to one channel. One record is on its way at a time and takes all that has come since the one before,
 * so the order is that of the calls, whatever has to be tried again.
 */
export class AppendQueue {
  readonly #channel: ChannelName;
  readonly #shard: Shard;
  readonly #context: AppendContext;
  readonly #onIdle: () => void;
  #items: Item[] = [];
  #isRunning = false;

  constructor(channel: ChannelName, shard: Shard, context: AppendContext, onIdle: () => void) {
    this.#channel = channel;
    this.#shard = shard;
    this.#context = context;
    this.#onIdle = onIdle;
  }

  push(items: readonly Item[]): void {
    this.#items.push(...items);
    if (this.#isRunning) return;
    this.#isRunning = true;
    // At the end of the loop's turn, so that all frames that one read of the sockets brought share a record.
    setImmediate(() => void this.#run());
  }

  /** Answers what is not on its way: nothing of it is stored. */
  refuseWaiting(detail: string): void {
    this.#refuse(this.#items.splice(0), detail);
  }

  async #run(): Promise<void> {
    for (let outrun = 0; this.#items.length > 0; ) {
      if (!this.#context.isUp()) {
        this.refuseWaiting('there is no connection to the log just now');
        break;
      }
      outrun = await this.#round(outrun);
    }
    this.#isRunning = false;
    this.#onIdle();
  }

  /** Settles what fits into one record. Returns how often in a row another relay was faster. */
  async #round(outrun: number): Promise<number> {
    const items = this.#take();
    let plan = this.#plan(items);
    if (plan.isUncertain) {
      try {
        await this.#shard.sync();
      } catch {
        this.#refuse(items, 'the log cannot be read to its end just now');
        return 0;
      }
      plan = this.#plan(items);
    }
    for (const { item, answer } of plan.answered) item.answer(answer);

    const { planned } = plan;
    const metered = meteredOf(planned, this.#context.planContext(this.#channel).stampMs);
    const placeless = new Set<Item>();
    try {
      for (const group of metered) await this.#reserve(group, placeless);
    } catch {
      this.#settle(metered, [], []);
      this.#refuse(
        planned.map(({ item }) => item),
        'the quota cannot be looked up just now',
      );
      return 0;
    }
    const stubbed = planned.map((one) => (placeless.has(one.item) ? { ...one, isStub: true } : one));
    if (stubbed.some(({ isStub }) => !isStub)) return this.#write(stubbed, metered, placeless, outrun);
    for (const one of planned) if (placeless.has(one.item)) this.#refuseForQuota(one);
    // What the others were to lose against is gone.
    this.#items.unshift(...planned.map(({ item }) => item).filter((item) => !placeless.has(item)));
    return 0;
  }

  /** @param placeless those that may only be refused for better reasons than their account's quota */
  async #write(
    planned: readonly PlannedItem[],
    metered: readonly Metered[],
    placeless: ReadonlySet<Item>,
    outrun: number,
  ): Promise<number> {
    const { names, writer, freshId } = this.#context;
    const items = planned.map(({ item }) => item);
    const isStaged = await this.#stageWelcomes(planned);
    if (!isStaged) {
      this.#settle(metered, [], []);
      this.#refuse(items, 'the log cannot be written just now');
      return 0;
    }
    const hasCommit = planned.some(({ item }) => item.submission.kind === 'commit');
    const isCompared = hasCommit && outrun < MAX_OUTRUN;
    const record = this.#record(freshId(), planned, metered);
    const result = await writer.write(this.#shard, {
      id: record.id,
      subject: names.record(this.#channel, hasCommit ? 'commits' : 'messages'),
      bytes: encodeRecord(record),
      lastOnSubject: isCompared ? (this.#shard.fold.channels.get(this.#channel)?.lastCommitRecord ?? 0) : undefined,
    });
    switch (result.kind) {
      case 'written': {
        const { verdicts, counts } = result.folded;
        this.#settle(metered, items, verdicts);
        this.#items.unshift(...items.filter((item, index) => isOpen(verdicts[index]) && !placeless.has(item)));
        planned.forEach((one, index) => {
          const verdict = verdicts[index];
          if (!isOpen(verdict)) one.item.answer(verdict, counts[index]);
          else if (placeless.has(one.item)) this.#refuseForQuota(one);
        });
        return 0;
      }
      case 'outrun':
        this.#settle(metered, [], []);
        this.#items.unshift(...items);
        await this.#shard.sync().catch(() => undefined); // the next round finds out by itself
        return outrun + 1;
      case 'unavailable':
        this.#settle(metered, [], []);
        this.#refuse(items, 'the log cannot be written just now');
        return 0;
      case 'unknown':
        this.#refuse(items, 'the relay ended before it was known whether this is stored; submit it again under its id');
        return 0;
    }
  }

  #plan(items: readonly Item[]): ReturnType<typeof planAppend> {
    return planAppend(this.#shard.fold, this.#channel, items, this.#context.planContext(this.#channel));
  }

  /** As many as fit into one record; at least one. */
  #take(): Item[] {
    const max = this.#context.maxRecordBytes();
    let bytes = 0;
    let count = 0;
    for (const { submission, pieces } of this.#items) {
      bytes += submission.payload.length + SUBMISSION_OVERHEAD_BYTES;
      if (pieces === undefined) bytes += welcomeBytes(submission.welcomes);
      if (count > 0 && (bytes > max || count === PLACES)) break;
      count += 1;
    }
    return this.#items.splice(0, count);
  }

  /** Reserves places for an account's items; those that get none are added to `placeless`. */
  async #reserve(group: Metered, placeless: Set<Item>): Promise<void> {
    const { by, monthStartMs, items } = group;
    const limit = by.messagesPerMonth ?? 0;
    group.reservation = await this.#context.ledger.reserve(by.account, monthStartMs, limit, items.length);
    for (const item of items.splice(group.reservation.granted)) placeless.add(item);
  }

  #refuseForQuota({ item, epoch }: PlannedItem): void {
    const { by, group, submission } = item;
    const context = this.#context.planContext(this.#channel);
    const messagesPerMonth = by?.messagesPerMonth ?? 0;
    const publisher = { access: 'member', messages: messagesPerMonth, messagesPerMonth } as const;
    const facts = { ...context, channel: { group, epoch }, channels: 0, publisher };
    const refusal = refusalOf(facts, group, submission, context.rules);
    item.answer(refusal ?? refused('quota-exceeded', 'the messages of this month are used up', epoch));
  }

  /** Tells the ledger what became of the places; those of no item are free. */
  #settle(metered: readonly Metered[], items: readonly Item[], verdicts: readonly Verdict[]): void {
    for (const { by, monthStartMs, reservation, items: reserved } of metered) {
      const own = reserved.map((item) => verdicts[items.indexOf(item)]);
      const used = own.filter((verdict) => isStored(verdict)).length;
      const expired = own.filter((verdict) => verdict === 'expired').length;
      const free = reservation.granted - used - expired;
      const { account } = by;
      this.#context.ledger.settle({ account, monthStartMs, untilMs: reservation.untilMs }, { used, free, expired });
    }
  }

  /** Stores the Welcomes of commits that are too large for a record on their own. */
  async #stageWelcomes(planned: readonly PlannedItem[]): Promise<boolean> {
    const max = this.#context.maxRecordBytes();
    const { names, writer, freshId } = this.#context;
    for (const { item, isStub } of planned) {
      const { welcomes = [], payload } = item.submission;
      if (isStub || item.pieces !== undefined || payload.length + welcomeBytes(welcomes) <= max) continue;
      const pieces: number[][] = [];
      for (const welcome of welcomes) {
        const seqs: number[] = [];
        for (let offset = 0; offset < welcome.payload.length; offset += max) {
          const piece = welcome.payload.subarray(offset, offset + max);
          const stored = await writer.store(names.record(this.#channel, 'pieces'), piece, { id: freshId() });
          if (typeof stored === 'string') return false;
          seqs.push(stored);
        }
        pieces.push(seqs);
      }
      item.pieces = pieces;
    }
    return true;
  }

  #record(id: Uint8Array, planned: readonly PlannedItem[], metered: readonly Metered[]): AppendRecord {
    const { rules, stampMs } = this.#context.planContext(this.#channel);
    const reservations = new Map<AccountId, Reservation>(
      metered.map(({ by, reservation }) => [by.account, reservation]),
    );
    const parts: AppendPart[] = [];
    let before: Item | undefined;
    let submissions: RecordSubmission[] = [];
    for (const { item, isStub } of planned) {
      const { by, group } = item;
      if (before === undefined || before.by !== by || before.group !== group) {
        submissions = [];
        const reservation = by?.messagesPerMonth === undefined ? undefined : reservations.get(by.account);
        parts.push({
          group,
          account: by?.account,
          monthStartMs: by === undefined ? 0 : monthStart(stampMs),
          reservedUntilMs: reservation?.untilMs ?? 0,
          submissions,
        });
      }
      submissions.push(recordSubmission(item, isStub));
      before = item;
    }
    const staleEpochs = rules.staleEpochs;
    return { kind: 'append', id, channel: this.#channel, storedAtMs: stampMs, staleEpochs, parts };
  }

  #refuse(items: readonly Item[], detail: string): void {
    const epoch = this.#shard.fold.channels.get(this.#channel)?.epoch ?? 0;
    for (const { answer } of items) answer(refused('unavailable', detail, epoch));
  }
}

function recordSubmission({ submission, pieces }: Item, isStub: boolean): RecordSubmission {
  const { kind, messageId, payload, welcomes = [] } = submission;
  return {
    kind,
    messageId,
    // A stub may claim any epoch; one that is out of reach is judged like one that is just beyond.
    epoch: Number(submission.epoch > MAX_EPOCH ? MAX_EPOCH : submission.epoch),
    payload: isStub ? undefined : payload,
    welcomes: isStub
      ? []
      : welcomes.map(({ keyPackageRefs, payload: welcome }, index) => ({
          keyPackageRefs,
          content: pieces?.[index] ?? welcome,
        })),
  };
}

const MAX_EPOCH = BigInt(Number.MAX_SAFE_INTEGER);

/** The items that need a place in a quota, by account. */
function meteredOf(planned: readonly PlannedItem[], stampMs: number): Metered[] {
  const groups = new Map<AccountId, Metered>();
  for (const { item, isStub } of planned) {
    const { by, submission } = item;
    if (isStub || by?.messagesPerMonth === undefined || submission.kind !== 'message') continue;
    const group = groups.get(by.account);
    if (group !== undefined) group.items.push(item);
    else {
      const reservation = { granted: 0, untilMs: 0 };
      groups.set(by.account, { by, monthStartMs: monthStart(stampMs), items: [item], reservation });
    }
  }
  return [...groups.values()];
}

function welcomeBytes(welcomes: readonly WelcomeSubmission[] = []): number {
  let bytes = 0;
  for (const { keyPackageRefs, payload } of welcomes) {
    bytes += payload.length + 16;
    for (const ref of keyPackageRefs) bytes += ref.length + 2;
  }
  return bytes;
}

function isStored(verdict: Verdict | undefined): boolean {
  return verdict !== undefined && typeof verdict !== 'string' && verdict.kind === 'accepted' && !verdict.duplicate;
}

function isOpen(verdict: Verdict | undefined): verdict is Exclude<Verdict, PublishAnswer> | undefined {
  return verdict === undefined || typeof verdict === 'string';
}
