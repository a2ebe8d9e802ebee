import type { ChannelName } from '../../../base/channel-name.ts';
import { refusalOf, refused } from '../log-rules.ts';
import { planAppend } from './append-plan.ts';
import type { Item, PlanContext, PlannedItem } from './append-plan.ts';
import { appendRecord, countForRecord, needsPieces } from './append-record.ts';
import type { QuotaLedger } from './quota-ledger.ts';
import { QuotaPlaces } from './quota-places.ts';
import { encodeRecord } from './record-codec.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Shard } from './shard.ts';
import type { Folded } from './shard-fold.ts';
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
  /** Nothing waits for this channel any more. */
  readonly forget: (channel: ChannelName) => void;
  /** Bytes that a record may have. */
  readonly maxRecordBytes: () => number;
}

/** Compare-and-set only keeps losers from being stored, and after retention the server has forgotten what it compares with. */
const MAX_OUTRUN = 2;
/** What has expired so often is stored by servers whose clocks differ too much. */
const MAX_EXPIRIES = 3;

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
    this.#refuse([], detail);
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
    const items = this.#items.splice(0, countForRecord(this.#items, this.#context.maxRecordBytes()));
    // Once a round: a month that begins meanwhile must not part a message from its place in the quota.
    const context = this.#context.planContext(this.#channel);
    let plan = planAppend(this.#shard.fold, this.#channel, items, context);
    if (plan.isUncertain) {
      try {
        await this.#shard.sync();
      } catch {
        this.#refuse(items, 'the log cannot be read to its end just now');
        return 0;
      }
      plan = planAppend(this.#shard.fold, this.#channel, items, context);
    }
    for (const { item, answer } of plan.answered) item.answer(answer);

    let places: QuotaPlaces;
    try {
      places = await QuotaPlaces.reserve(this.#context.ledger, plan.planned, context.stampMs);
    } catch {
      this.#refuse(itemsOf(plan.planned), 'the quota cannot be looked up just now');
      return 0;
    }
    const { placeless } = places;
    // Without a place it may only be refused for better reasons: the fold is asked for them.
    const planned = plan.planned.map((one) => (placeless.has(one.item) ? { ...one, isStub: true } : one));
    if (planned.some(({ isStub }) => !isStub)) return this.#write(planned, places, context, outrun);
    for (const one of planned) if (placeless.has(one.item)) refuseForQuota(one, context);
    // What the others were to lose against is gone.
    this.#items.unshift(...itemsOf(planned).filter((item) => !placeless.has(item)));
    return 0;
  }

  async #write(
    planned: readonly PlannedItem[],
    places: QuotaPlaces,
    context: PlanContext,
    outrun: number,
  ): Promise<number> {
    const { names, writer, freshId } = this.#context;
    const items = itemsOf(planned);
    if (!(await this.#stageWelcomes(planned))) {
      places.release();
      this.#refuse(items, 'the log cannot be written just now');
      return 0;
    }
    const record = appendRecord(freshId(), this.#channel, planned, places, context);
    const hasCommit = items.some(({ submission }) => submission.kind === 'commit');
    const isCompared = hasCommit && outrun < MAX_OUTRUN;
    const result = await writer.write(this.#shard, {
      id: record.id,
      subject: names.record(this.#channel, hasCommit ? 'commits' : 'messages'),
      bytes: encodeRecord(record),
      lastOnSubject: isCompared ? (this.#shard.fold.channels.get(this.#channel)?.lastCommitRecord ?? 0) : undefined,
    });
    switch (result.kind) {
      case 'written':
        this.#answer(planned, places, context, result.folded);
        return 0;
      case 'outrun':
        places.release();
        this.#items.unshift(...items);
        await this.#shard.sync().catch(() => undefined); // the next round finds out by itself
        return outrun + 1;
      case 'unavailable':
        places.release();
        this.#refuse(items, 'the log cannot be written just now');
        return 0;
      case 'unknown':
        this.#refuse(items, 'the relay ended before it was known whether this is stored; submit it again under its id');
        return 0;
    }
  }

  #answer(planned: readonly PlannedItem[], places: QuotaPlaces, context: PlanContext, folded: Folded): void {
    const { verdicts, counts } = folded;
    places.settle(new Map(planned.map(({ item }, index) => [item, verdicts[index]])));
    const again: Item[] = [];
    planned.forEach((one, index) => {
      const { item } = one;
      const verdict = verdicts[index];
      if (typeof verdict === 'object') item.answer(verdict, counts[index]);
      else if (places.placeless.has(item)) refuseForQuota(one, context);
      else if (verdict === 'expired' && (item.expiries += 1) >= MAX_EXPIRIES) {
        this.#refuse([item], 'the clocks of the nats-servers differ by more than a place in a quota holds');
      } else again.push(item);
    });
    this.#items.unshift(...again);
  }

  /** Stores the Welcomes of commits that are too large for a record in records of their own. */
  async #stageWelcomes(planned: readonly PlannedItem[]): Promise<boolean> {
    const max = this.#context.maxRecordBytes();
    const { names, writer, freshId } = this.#context;
    for (const { item, isStub } of planned) {
      if (isStub || item.pieces !== undefined || !needsPieces(item.submission, max)) continue;
      const pieces: number[][] = [];
      for (const { payload } of item.submission.welcomes ?? []) {
        const seqs: number[] = [];
        for (let offset = 0; offset < payload.length; offset += max) {
          const piece = payload.subarray(offset, offset + max);
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

  /** Nothing overtakes what could not be stored: what waits behind it is refused as well. */
  #refuse(items: readonly Item[], detail: string): void {
    const epoch = this.#shard.fold.channels.get(this.#channel)?.epoch ?? 0;
    for (const { answer } of [...items, ...this.#items.splice(0)]) answer(refused('unavailable', detail, epoch));
  }
}

function refuseForQuota({ item, epoch }: PlannedItem, context: PlanContext): void {
  const { by, group, submission } = item;
  const messagesPerMonth = by?.messagesPerMonth ?? 0;
  const publisher = { access: 'member', messages: messagesPerMonth, messagesPerMonth } as const;
  const facts = { ...context, channel: { group, epoch }, channels: 0, publisher };
  const refusal = refusalOf(facts, group, submission, context.rules);
  item.answer(refusal ?? refused('quota-exceeded', 'the messages of this month are used up', epoch));
}

function itemsOf(planned: readonly PlannedItem[]): Item[] {
  return planned.map(({ item }) => item);
}
