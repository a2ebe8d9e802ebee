import { toHex } from '../../base/bytes.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { ChannelRecord, MlsEngine, OutboxEntry } from '../../mls/index.ts';
import { type PublishAnswer, type RefusalReason, refusalError, type Submission } from '../../transport/index.ts';
import type { SendReceipt } from './channel-event.ts';
import type { OutgoingStep } from './outgoing.ts';
import { SealedMessages } from './sealed-messages.ts';

/** Who waits for a receipt. */
export interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A payload on its way from the user into the outbox. */
export interface OutgoingPayload {
  readonly payload: Uint8Array;
  /** What its envelope says beside the payload. None for a plain message. */
  readonly header?: Uint8Array;
  /** Absent for `next()`, which waits for nothing. */
  readonly waiter: Waiter<SendReceipt> | undefined;
  /** When it was put into the mailbox, Unix ms. */
  readonly postedAtMs?: number;
}

/** A message that the relay refused for good. */
export interface RejectedPayload {
  readonly messageId: string;
  readonly payload: Uint8Array;
  readonly header: Uint8Array | undefined;
  readonly error: SkytaleError;
}

/** Most entries, and bytes, that may wait for the relay's answer; fewer entries where the relay found them too many. */
const MAX_IN_FLIGHT = 256;
const MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024;
/** Most entries, and bytes, that are taken from the user before the relay has acknowledged some. */
const MAX_UNSETTLED = 1024;
const MAX_UNSETTLED_BYTES = 8 * 1024 * 1024;
/** Most entries, and bytes, that are encrypted before the event loop gets a turn, and travel in one frame. */
const BATCH = 32;
const BATCH_BYTES = 1024 * 1024;

/**
 * The way of a message out: from the mailbox into the durable outbox, to the relay, and to its receipt.
 *
 * Entries are `waiting` until they are submitted and `in flight` until they are answered. What comes back unanswered
 * or stale waits again, in front, and nothing new is submitted past it: the sends of one caller keep their order.
 */
export class OutboxDesk {
  readonly #waiting: OutboxEntry[] = [];
  readonly #inFlight = new Map<string, OutboxEntry>();
  readonly #waiters = new Map<string, Waiter<SendReceipt>>();
  readonly #settled = new Set<string>();
  readonly #sealed = new SealedMessages();
  /** The order in which entries were accepted. */
  readonly #ranks = new WeakMap<OutboxEntry, number>();
  #lastRank = 0;
  #unsettledBytes = 0;
  #inFlightBytes = 0;
  /** How many of those that wait have come back. While there are any, what is in flight is answered first. */
  #returned = 0;
  /** Of what is in flight. */
  #inFlightEpoch = 0n;
  /** Entries were stale: submit nothing before the group has reached this epoch. */
  #requiredEpoch = 0n;
  #window = MAX_IN_FLIGHT;
  #round = 1;
  /** Messages that the relay has acknowledged. */
  storedMessages = 0;

  /**
   * Starts over from a record that was read from the store. Returns it with the entries that were accepted and not
   * written any more; the caller writes it. Waiters stay.
   */
  load(record: ChannelRecord): ChannelRecord {
    const stored = new Set(record.outbox.map(({ messageId }) => toHex(messageId)));
    const unwritten = [...this.#inFlight.values(), ...this.#waiting].filter(
      ({ messageId }) => !stored.has(toHex(messageId)),
    );
    const outbox = [...record.outbox, ...unwritten];
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
    this.#settled.clear();
    this.#sealed.clear();
    this.#returned = 0;
    this.#requiredEpoch = 0n;
    this.#waiting.splice(0, Infinity, ...outbox);
    this.#rank(outbox);
    this.#unsettledBytes = outbox.reduce((sum, { payload }) => sum + payload.length, 0);
    return unwritten.length === 0 ? record : { ...record, outbox };
  }

  /** What is prepared now is submitted in this round, see `ChannelLink.publish`. */
  get round(): number {
    return this.#round;
  }

  /** Messages that the relay has not acknowledged. */
  get unsettled(): number {
    return this.#waiting.length + this.#inFlight.size;
  }

  /**
   * Whether more may be taken from the user. While messages can be submitted, no more than that: so each is written
   * once, together with its encryption. Otherwise as many as may wait for the relay.
   */
  hasRoom(isPublishing: boolean): boolean {
    if (isPublishing) return this.#waiting.length === 0 && this.#mayFly;
    return this.unsettled < MAX_UNSETTLED && this.#unsettledBytes < MAX_UNSETTLED_BYTES;
  }

  get #mayFly(): boolean {
    return this.#inFlight.size < this.#window && this.#inFlightBytes < MAX_IN_FLIGHT_BYTES;
  }

  /** Puts payloads behind what waits. The caller makes the record durable before anything is submitted. */
  accept(record: ChannelRecord, payloads: readonly OutgoingPayload[], createId: () => Uint8Array): ChannelRecord {
    const entries = payloads.map(({ payload, header, waiter }) => {
      const messageId = createId();
      if (waiter !== undefined) this.#waiters.set(toHex(messageId), waiter);
      this.#unsettledBytes += payload.length;
      return header === undefined ? { messageId, payload } : { messageId, payload, header };
    });
    this.#waiting.push(...entries);
    this.#rank(entries);
    return { ...record, outbox: [...record.outbox, ...entries] };
  }

  /** Whether {@link OutboxDesk.prepare} would submit something now. */
  canSubmit({ group }: ChannelRecord): boolean {
    // What is in flight may come back as stale: what is of a later epoch would overtake it.
    const isDraining = this.#inFlight.size > 0 && (this.#returned > 0 || this.#inFlightEpoch !== group.epoch);
    return this.#waiting.length > 0 && !isDraining && this.#mayFly && group.epoch >= this.#requiredEpoch;
  }

  /** Encrypts the next batch, as far as it is not encrypted. The submissions may leave when the record is durable and {@link OutboxDesk.submitted} was called. */
  prepare(record: ChannelRecord, engine: MlsEngine): Promise<OutgoingStep> {
    const room = Math.min(BATCH, this.#window - this.#inFlight.size);
    let bytes = 0;
    const tooMany = this.#waiting.slice(0, room).findIndex(({ payload }) => (bytes += payload.length) > BATCH_BYTES);
    // One that is larger than a batch goes alone.
    const entries = this.#waiting.slice(0, tooMany === -1 ? room : Math.max(1, tooMany));
    if (this.#inFlight.size === 0) this.#sealed.rewind();
    return this.#sealed.seal(record, entries, engine);
  }

  /** The first `entries` of those that wait are on their way, encrypted in an epoch. */
  submitted(entries: number, epoch: bigint): void {
    this.#returned = 0;
    this.#inFlightEpoch = epoch;
    for (const entry of this.#waiting.splice(0, entries)) {
      this.#inFlight.set(toHex(entry.messageId), entry);
      this.#inFlightBytes += entry.payload.length;
    }
  }

  /**
   * The relay's answers to submissions. Returns what it refused for good; when that has left the outbox on disk as well, the
   * caller tells {@link OutboxDesk.reject}.
   */
  answered(submissions: readonly Submission[], answers: readonly PublishAnswer[]): readonly RejectedPayload[] {
    const rejected: RejectedPayload[] = [];
    const again: OutboxEntry[] = [];
    this.#adapt(answers);
    submissions.forEach(({ messageId, epoch }, index) => {
      const id = toHex(messageId);
      const entry = this.#inFlight.get(id);
      const answer = answers[index];
      // The log may have told already.
      if (entry === undefined || answer === undefined) return;
      if (answer.kind === 'accepted') {
        this.stored(id, answer.seq, epoch);
        return;
      }
      this.#land(id);
      if (isWorthRetrying(answer.reason)) {
        again.push(entry);
        if (answer.reason === 'stale-epoch' && answer.currentEpoch > this.#requiredEpoch) {
          this.#requiredEpoch = answer.currentEpoch;
        }
        return;
      }
      this.#settle(id, entry);
      const { payload, header } = entry;
      rejected.push({ messageId: id, payload, header, error: refusalError(answer.reason, answer.detail) });
    });
    this.#takeBack(again);
    return rejected;
  }

  /** Tells who waits for a message that it was refused. Returns false if nobody does. */
  reject({ messageId, error }: RejectedPayload): boolean {
    const waiter = this.#waiters.get(messageId);
    this.#waiters.delete(messageId);
    waiter?.reject(error);
    return waiter !== undefined;
  }

  /** The connection was lost before an answer came: these may or may not be in the log. */
  unanswered(submissions: readonly Submission[]): void {
    const entries = submissions.flatMap(({ messageId }) => {
      const entry = this.#land(toHex(messageId));
      return entry === undefined ? [] : [entry];
    });
    this.#takeBack(entries);
  }

  /** The connection was lost: nothing that is in flight will be answered. */
  unansweredAll(): void {
    this.#takeBack([...this.#inFlight.values()]);
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
  }

  /** A message is in the log, by the relay's answer or by the log itself. */
  stored(id: string, seq: number, epoch: bigint): void {
    const entry = this.#land(id) ?? this.#takeWaiting(id);
    if (entry === undefined) return;
    this.#sealed.stored(id);
    this.storedMessages += 1;
    this.#settle(id, entry);
    this.#waiters.get(id)?.resolve({ seq, epoch, messageId: id });
    this.#waiters.delete(id);
  }

  /** `record` without the entries that are settled: they leave the outbox with its next write. */
  sweep(record: ChannelRecord): ChannelRecord {
    if (this.#settled.size === 0) return record;
    const outbox = record.outbox.filter(({ messageId }) => !this.#settled.has(toHex(messageId)));
    this.#settled.clear();
    return { ...record, outbox };
  }

  /** Nobody will wait any longer. The entries stay in the outbox. */
  rejectAll(error: SkytaleError): void {
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
  }

  /** Were they too many at once, then half as many are under way from now on, and more again bit by bit. */
  #adapt(answers: readonly PublishAnswer[]): void {
    const isRefused = (reason: RefusalReason): boolean =>
      answers.some((answer) => answer.kind === 'refused' && answer.reason === reason);
    const isTooFast = isRefused('rate-limited');
    if (isTooFast || isRefused('unavailable')) this.#round += 1;
    this.#window = isTooFast ? Math.max(BATCH, this.#window / 2) : Math.min(MAX_IN_FLIGHT, this.#window + BATCH);
  }

  #rank(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) this.#ranks.set(entry, (this.#lastRank += 1));
  }

  /** A refusal may come before the answer to what was submitted earlier, so what comes back is put in order. */
  #takeBack(entries: readonly OutboxEntry[]): void {
    if (entries.length === 0) return;
    const returned = [...this.#waiting.splice(0, this.#returned), ...entries];
    returned.sort((a, b) => (this.#ranks.get(a) ?? 0) - (this.#ranks.get(b) ?? 0));
    this.#waiting.unshift(...returned);
    this.#returned = returned.length;
  }

  /** Takes an entry out of those in flight. */
  #land(id: string): OutboxEntry | undefined {
    const entry = this.#inFlight.get(id);
    if (entry === undefined) return undefined;
    this.#inFlight.delete(id);
    this.#inFlightBytes -= entry.payload.length;
    return entry;
  }

  #takeWaiting(id: string): OutboxEntry | undefined {
    const index = this.#waiting.findIndex(({ messageId }) => toHex(messageId) === id);
    if (index === -1) return undefined;
    if (index < this.#returned) this.#returned -= 1;
    return this.#waiting.splice(index, 1)[0];
  }

  #settle(id: string, entry: OutboxEntry): void {
    this.#sealed.forget(id);
    this.#settled.add(id);
    this.#unsettledBytes -= entry.payload.length;
  }
}

/** Whether the relay may take the same submission a moment later, so that the next try should wait. */
export function isWorthDelaying(reason: RefusalReason): boolean {
  return reason === 'epoch-unknown' || reason === 'unavailable';
}

/** Whether the message can succeed on another try. */
export function isWorthRetrying(reason: RefusalReason): boolean {
  return reason === 'stale-epoch' || reason === 'rate-limited' || isWorthDelaying(reason);
}
