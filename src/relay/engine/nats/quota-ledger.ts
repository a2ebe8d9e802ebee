import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { Clock } from '../../../base/clock.ts';
import type { AccountId } from '../../access/principal.ts';
import type { NatsLink } from './nats-link.ts';
import type { SubjectNames } from './subjects.ts';

/** Places in an account's month. */
export interface Reservation {
  /** At most as many as were asked for; fewer if the quota has no more. */
  readonly granted: number;
  /** A message in a reserved place has to be stored by then, Unix ms by the servers' clocks. */
  readonly untilMs: number;
  /** How often the counter had been set back by then. */
  readonly generation: number;
}

/** What a ledger needs to know of the log. */
export interface LedgerContext {
  readonly link: NatsLink;
  readonly names: SubjectNames;
  readonly clock: Clock;
  readonly reservationMs: number;
  /** Messages of an account's month that are in the log as it was read. */
  readonly stored: (account: AccountId, monthStartMs: number) => number;
  /** Reads all shards to their ends. */
  readonly sync: () => Promise<void>;
}

/** An account's month, as this relay uses it. */
interface Holding {
  readonly account: AccountId;
  readonly monthStartMs: number;
  /** Reserved and not in use. */
  spare: number;
  /** In records that are not settled. */
  inUse: number;
  /** Until when the spare ones hold, and how often the counter had been set back when they were reserved. */
  untilMs: number;
  generation: number;
  /** One step at a time. */
  turn: Promise<unknown>;
  cancelRelease: () => void;
  cancelExpiry: () => void;
  cancelReconcile: (() => void) | undefined;
}

interface Entry {
  readonly reserved: number;
  /** How often the counter was set back. */
  readonly generation: number;
  /** The message that says so; 0 if there is none. */
  readonly seq: number;
  /** By the server's clock, Unix ms. */
  readonly storedAtMs: number;
}

/** While more than this is left of a quota, places are reserved ahead: most publishes then need not ask. */
const PLENTY = 4096;
const AHEAD = 256;
/** Spare places that nobody asked for in this time are given back. */
const RELEASE_MS = 500;
const ATTEMPTS = 16;

/**
 * Keeps accounts within their quotas on all relays together. A message is counted by the fold; before it is written, a place is
 * reserved for it in a counter that all relays share and change by compare-and-set. So:
 *
 * - Two relays together never store more than the quota. The counter is never below what is stored, what is on its way and
 *   what is reserved.
 * - A place holds for `reservationMs` from when the server stored the reservation. What is stored later in it is void, whoever
 *   stores it: a relay that was paused cannot use what others have written off.
 * - The servers' clocks may differ by half of `reservationMs`, not more.
 * - A relay that dies leaks what it had reserved. When the quota seems used up and is not, the counter is set back to what is
 *   stored, once nobody has reserved anything for twice as long as a place holds: then no place can be in use.
 * - Messages that are stored on an account without a quota count, but ask for no place; an account whose quota changes while
 *   they are on their way may go beyond it by those.
 */
export class QuotaLedger {
  readonly #context: LedgerContext;
  readonly #holdings = new Map<string, Holding>();
  #isClosed = false;

  constructor(context: LedgerContext) {
    this.#context = context;
  }

  /** Reserves up to `count` places. Rejects with the library's error if the servers cannot be asked. */
  reserve(account: AccountId, monthStartMs: number, limit: number, count: number): Promise<Reservation> {
    const holding = this.#holding(account, monthStartMs);
    return this.#inTurn(holding, () => this.#reserve(holding, limit, count));
  }

  /** Says what became of reserved places: `used` hold a message, `free` were not needed, `expired` came too late. */
  settle(
    { account, monthStartMs }: { readonly account: AccountId; readonly monthStartMs: number },
    { untilMs, generation }: Reservation,
    { used, free, expired }: { readonly used: number; readonly free: number; readonly expired: number },
  ): void {
    const holding = this.#holding(account, monthStartMs);
    holding.inUse -= used + free + expired;
    if (expired > 0 && holding.untilMs === untilMs) holding.spare = 0;
    // Those of an older reservation hold as long as the latest, which counted them; unless they were written off.
    else if (holding.generation === generation) holding.spare += free;
    if (holding.spare > 0) this.#planRelease(holding);
    else this.#forget(holding);
  }

  /** Ends it. Gives back what is not in use, if the servers can be asked. */
  async close(isReachable: boolean): Promise<void> {
    this.#isClosed = true;
    const holdings = [...this.#holdings.values()];
    for (const holding of holdings) {
      holding.cancelRelease();
      holding.cancelExpiry();
      holding.cancelReconcile?.();
    }
    if (!isReachable) return;
    await Promise.allSettled(holdings.map((holding) => this.#inTurn(holding, () => this.#release(holding))));
  }

  async #reserve(holding: Holding, limit: number, count: number): Promise<Reservation> {
    if (holding.spare < count) await this.#enlarge(holding, limit, count);
    const granted = Math.min(holding.spare, count);
    holding.spare -= granted;
    holding.inUse += granted;
    if (holding.spare > 0) this.#planRelease(holding);
    if (granted < count) this.#planReconcile(holding, limit);
    return { granted, untilMs: holding.untilMs, generation: holding.generation };
  }

  async #enlarge(holding: Holding, limit: number, count: number): Promise<void> {
    const { stored } = this.#context;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const entry = await this.#read(holding);
      if (entry.generation !== holding.generation) holding.spare = 0; // they were written off
      // What was stored without a place is only to be found in the log. What holds a place is counted already, and perhaps stored by now:
      // it must not count twice.
      const reserved = Math.max(entry.reserved, stored(holding.account, holding.monthStartMs));
      const left = limit - reserved;
      const more = Math.min(left, count - holding.spare + (left > PLENTY ? AHEAD : 0));
      if (more <= 0) return;
      const { generation } = entry;
      if ((await this.#write(holding, entry.seq, { reserved: reserved + more, generation })) === undefined) continue;
      // Read back, because the server's clock counts. A later reservation of somebody else's serves as well: nothing is
      // written off before the last one has expired.
      const written = await this.#read(holding);
      holding.spare += more;
      holding.generation = generation;
      holding.untilMs = written.storedAtMs + this.#context.reservationMs;
      this.#planExpiry(holding);
      return;
    }
    throw new Error('too many relays reserve for one account at once');
  }

  /** Lowers the counter by what is spare. */
  async #release(holding: Holding): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS && holding.spare > 0; attempt += 1) {
      const { reserved, generation, seq } = await this.#read(holding);
      const { spare } = holding;
      const isWrittenOff = generation !== holding.generation;
      const lower = { reserved: Math.max(0, reserved - spare), generation };
      if (!isWrittenOff && (await this.#write(holding, seq, lower)) === undefined) continue;
      // Some may have come back meanwhile.
      holding.spare = isWrittenOff ? 0 : Math.max(0, holding.spare - spare);
    }
    this.#forget(holding);
  }

  /** Spare places are given back while they surely hold. */
  #planExpiry(holding: Holding): void {
    holding.cancelExpiry();
    holding.cancelExpiry = this.#context.clock.schedule(this.#context.reservationMs / 2, () => this.#giveBack(holding));
  }

  #planRelease(holding: Holding): void {
    holding.cancelRelease();
    if (this.#isClosed) return;
    // Soon, so that other relays do not miss them.
    holding.cancelRelease = this.#context.clock.schedule(RELEASE_MS, () => this.#giveBack(holding));
  }

  #giveBack(holding: Holding): void {
    // What cannot be given back now expires, and is written off.
    this.#inTurn(holding, () => this.#release(holding)).catch(() => (holding.spare = 0));
  }

  #planReconcile(holding: Holding, limit: number): void {
    const { clock, reservationMs, stored } = this.#context;
    if (this.#isClosed || holding.cancelReconcile !== undefined) return;
    if (stored(holding.account, holding.monthStartMs) + holding.inUse >= limit) return;
    const before = this.#read(holding);
    before.catch(() => undefined); // seen below
    holding.cancelReconcile = clock.schedule(reservationMs * 2, () => {
      holding.cancelReconcile = undefined;
      // If it fails, the next refusal tries again.
      this.#inTurn(holding, async () => this.#reconcile(holding, (await before).seq)).catch(() => undefined);
    });
  }

  /** Sets the counter to what is stored, if nobody has reserved since it stood at `seq`. */
  async #reconcile(holding: Holding, seq: number): Promise<void> {
    const entry = await this.#read(holding);
    if (entry.seq === seq && seq !== 0) {
      await this.#context.sync();
      // No place is in use by now, and none of this relay's either: what it still has in flight will be void.
      const reserved = this.#context.stored(holding.account, holding.monthStartMs);
      await this.#write(holding, seq, { reserved, generation: entry.generation + 1 });
    }
    this.#forget(holding);
  }

  async #read({ account, monthStartMs }: Holding): Promise<Entry> {
    const { link, names } = this.#context;
    const subject = names.quota(account, monthStartMs);
    const message = await link.manager.streams.getMessage(names.quotas, { last_by_subj: subject });
    if (message === null) return { reserved: 0, generation: 0, seq: 0, storedAtMs: 0 };
    const { reserved, generation } = message.json<{ reserved: number; generation: number }>();
    return { reserved, generation, seq: message.seq, storedAtMs: message.time.getTime() };
  }

  /** `undefined` if somebody was faster. */
  async #write(
    { account, monthStartMs }: Holding,
    lastSeq: number,
    counter: Pick<Entry, 'reserved' | 'generation'>,
  ): Promise<number | undefined> {
    const { link, names } = this.#context;
    const subject = names.quota(account, monthStartMs);
    try {
      const expect = { lastSubjectSequence: lastSeq };
      return (await link.client.publish(subject, JSON.stringify(counter), { expect })).seq;
    } catch (error) {
      const isOutrun = error instanceof JetStreamApiError && WRONG_LAST.includes(error.code);
      if (isOutrun) return undefined;
      throw error;
    }
  }

  #holding(account: AccountId, monthStartMs: number): Holding {
    const key = `${monthStartMs} ${account}`;
    let holding = this.#holdings.get(key);
    if (holding === undefined) {
      holding = {
        account,
        monthStartMs,
        spare: 0,
        inUse: 0,
        untilMs: 0,
        generation: 0,
        turn: Promise.resolve(),
        cancelRelease: () => undefined,
        cancelExpiry: () => undefined,
        cancelReconcile: undefined,
      };
      this.#holdings.set(key, holding);
    }
    return holding;
  }

  #forget(holding: Holding): void {
    if (holding.spare > 0 || holding.inUse > 0 || holding.cancelReconcile !== undefined) return;
    const key = `${holding.monthStartMs} ${holding.account}`;
    const { turn } = holding;
    void turn
      .catch(() => undefined)
      .then(() => {
        const isIdle = holding.turn === turn && holding.spare === 0 && holding.inUse === 0;
        if (!isIdle || holding.cancelReconcile !== undefined) return;
        holding.cancelRelease();
        holding.cancelExpiry();
        this.#holdings.delete(key);
      });
  }

  #inTurn<Result>(holding: Holding, step: () => Promise<Result>): Promise<Result> {
    const result = holding.turn.then(step, step);
    holding.turn = result.catch(() => undefined);
    return result;
  }
}

const WRONG_LAST: readonly number[] = [
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
];
