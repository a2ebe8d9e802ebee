import { filter, Subscription } from 'rxjs';
import {
  type ChannelControl,
  type ChannelFront,
  type ChannelMessage,
  type ChannelOutput,
  describeHeader,
  type JournalReader,
  type OutgoingPayload,
  type SentKind,
  type Waiter,
} from '../../actors/channel/index.ts';
import { equalBytes } from '../../base/bytes.ts';
import { ChannelError } from '../../base/errors.ts';
import { reportToHost } from '../../streams/index.ts';
import { refusalError } from '../../transport/index.ts';
import type { Comparison } from './comparison.ts';
import { ReplayDivergedError } from './divergence.ts';
import type { Tape } from '../tape/tape.ts';
import type { TapeFaultBoard } from './tape-fault.ts';
import { commandsOf, type TapeCommand } from '../tape/tape-command.ts';
import type { TapeRecord } from '../tape/tape-record.ts';

/** What a channel sends when it suits it, or as an agent loses interest: when, and whether, is not compared. */
const CHORES: ReadonlySet<SentKind> = new Set<SentKind>(['presence', 'confirmation', 'cancel']);
/** Messages that a consumer of a replay may be behind. */
const MAX_UNHANDLED = 1024;

/** What a {@link LiveDesk} tells of what it hears. */
export interface LiveDeskParts {
  readonly comparison: Comparison;
  readonly board: TapeFaultBoard;
  /** Whether code under test passes that asks for nothing at all. */
  readonly silence: 'allow' | 'fail';
  /** The code under test has stopped the channel. */
  readonly stop: () => void;
}

/** What came of a command. */
export type Settlement = { readonly value: unknown } | { readonly error: unknown };

/**
 * The user's end of a channel that is replayed: what the code under test asks of it is found on the tape, and gets the answer that was
 * recorded. Code that asks for nothing is a spectator; code that asks for anything must ask for what was asked for.
 */
export class LiveDesk implements ChannelFront {
  readonly #output: ChannelOutput;
  readonly #comparison: Comparison;
  readonly #board: TapeFaultBoard;
  readonly #stop: () => void;
  readonly #isRedacted: boolean;
  /** Commands on the tape that nobody has asked for, in order. */
  readonly #expected: TapeCommand[];
  /** Their records, but for chores. */
  readonly #unasked: Set<number>;
  readonly #waiters = new Map<number, Waiter<unknown>>();
  readonly #settled = new Map<number, Settlement>();
  #isClosed = false;
  #isMet = false;
  #mustAsk: boolean;
  #sends = 0;
  #holds = 0;
  /** Handed to a consumer and not acknowledged, by position, oldest first. */
  readonly #unhandled = new Map<number, ChannelMessage>();
  #consumption = new Subscription();

  constructor(tape: Tape, output: ChannelOutput, { comparison, board, silence, stop }: LiveDeskParts) {
    this.#output = output;
    this.#comparison = comparison;
    this.#board = board;
    this.#stop = stop;
    this.#mustAsk = silence === 'fail';
    this.#isRedacted = tape.header.payloads !== 'kept';
    this.#expected = [...commandsOf(tape)];
    this.#unasked = new Set(this.#expected.filter(({ what }) => !CHORES.has(what)).map(({ record }) => record.n));
  }

  /** Whether the code under test has turned to the channel in any way. */
  get isMet(): boolean {
    return this.#isMet;
  }

  /** Whether a reader is behind, so that the tape should wait. */
  get isHeld(): boolean {
    return !this.#isClosed && (this.#holds > 0 || this.#unhandled.size >= MAX_UNHANDLED);
  }

  /** Whether the code under test waits for what the tape has yet to tell. */
  get isAwaiting(): boolean {
    return this.#waiters.size > 0;
  }

  tell(message: ChannelControl): boolean {
    this.#isMet = true;
    if (this.#isClosed) return false;
    this.#handle(message);
    return true;
  }

  offer(payload: OutgoingPayload): boolean {
    this.#isMet = true;
    if (this.#isClosed) return false;
    this.#send(payload);
    return true;
  }

  put(payload: OutgoingPayload, signal?: AbortSignal): Promise<void> {
    this.#isMet = true;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#isClosed) return Promise.reject(closed());
    this.#send(payload);
    return Promise.resolve();
  }

  /** Whether what was asked for here has not been asked for yet. */
  isAhead({ n }: TapeRecord): boolean {
    return this.#unasked.has(n);
  }

  /** The tape tells what came of a command. */
  settle(number: number, settlement: Settlement): void {
    const waiter = this.#waiters.get(number);
    this.#waiters.delete(number);
    if (waiter === undefined) this.#settled.set(number, settlement);
    else answer(waiter, settlement);
  }

  /** The tape is over: what was recorded and not asked for is a difference, unless a spectator may be silent. */
  conclude(): void {
    // Changes of the group are made by the channel itself, too.
    const missing = this.#expected.find(({ kind, what }) => kind === 'send' && !CHORES.has(what));
    if (this.#mustAsk && missing !== undefined) {
      const { n, value } = missing.record;
      this.#comparison.diverged(n, value, undefined, 'a send was recorded, and was not asked for');
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters.values()) waiter.reject(closed());
    this.#waiters.clear();
  }

  #handle(message: ChannelControl): void {
    switch (message.kind) {
      case 'open-gate':
        this.#output.openGate();
        return;
      case 'consume':
        this.#consume(message.consumer);
        return;
      case 'release':
        this.#consumption.unsubscribe();
        this.#unhandled.clear();
        return;
      case 'acknowledge':
        this.#unhandled.delete(message.seq);
        return;
      case 'hold':
        this.#holds += 1;
        return;
      case 'let-go':
        this.#holds -= 1;
        return;
      case 'commit':
        this.#ask('commit', 'message', message.request.waiter);
        return;
      case 'leave':
        this.#ask('leave', 'message', message.waiter);
        return;
      case 'tap':
        message.request.waiter.reject(new ChannelError('bad_request', 'a replay cannot be recorded'));
        return;
      case 'untap':
        message.waiter.resolve(undefined);
        return;
      case 'stop':
        this.#stop();
        return;
      default:
        // What else there is comes from the actor itself or from the relay, and is on the tape.
        return;
    }
  }

  /** Hands what is shown to a consumer. What one has left that was not released is for the next one. */
  #consume(consumer: JournalReader): void {
    this.#consumption.unsubscribe();
    consumer.offer([...this.#unhandled.values()]);
    this.#consumption = this.#output.events$.pipe(filter((event) => event.kind === 'message')).subscribe({
      next: (event) => {
        this.#unhandled.set(event.seq, event);
        consumer.offer([event]);
      },
      error: reportToHost,
    });
    // Behind the subscription: what waited for a first reader is for the consumer as well.
    this.#output.openGate();
  }

  #send(sent: OutgoingPayload): void {
    const { kind } = describeHeader(sent.header);
    if (CHORES.has(kind)) {
      this.#chore(kind, sent.waiter);
      return;
    }
    this.#sends += 1;
    const [refusal] = this.#board.take('refuse-send', this.#sends);
    if (refusal === undefined) this.#sendOn(sent);
    else {
      const error = refusalError(refusal.reason, 'as was planned');
      // What was recorded is asked for, and its answer is for nobody.
      this.#sendOn({ ...sent, waiter: { resolve: () => undefined, reject: () => undefined } });
      if (sent.waiter !== undefined) sent.waiter.reject(error);
      else this.#output.fault({ kind: 'rejected', payload: sent.payload, error });
    }
  }

  /** Gets the answer that one of its kind got then, if there is one. */
  #chore(kind: SentKind, waiter: Waiter<unknown> | undefined): void {
    const index = this.#expected.findIndex(({ what }) => what === kind);
    const [command] = index === -1 ? [] : this.#expected.splice(index, 1);
    if (command !== undefined && waiter !== undefined) this.#await(command.number, waiter);
  }

  #sendOn({ payload, header, waiter }: OutgoingPayload): void {
    const { kind: what } = describeHeader(header);
    this.#ask('send', what, waiter, (command) =>
      this.#isRedacted || command.payload === undefined || equalBytes(command.payload, payload)
        ? undefined
        : 'another payload was sent than was recorded',
    );
  }

  #ask(
    kind: 'send' | 'commit' | 'leave',
    what: SentKind,
    waiter: Waiter<unknown> | undefined,
    objection: (command: TapeCommand) => string | undefined = () => undefined,
  ): void {
    this.#mustAsk = true;
    const index = this.#expected.findIndex((command) => command.kind === kind && command.what === what);
    const [command] = index === -1 ? [] : this.#expected.splice(index, 1);
    if (command === undefined) {
      const next = this.#expected[0]?.record;
      this.#comparison.diverged(
        next?.n,
        next?.value,
        { kind },
        `a ${kind === 'send' ? what : kind} was asked for that was not recorded`,
      );
      this.#refuse(waiter);
      return;
    }
    this.#unasked.delete(command.record.n);
    const isUnknown = waiter !== undefined && !command.isAwaited;
    const detail =
      objection(command) ??
      (isUnknown ? `nobody waited then for what came of this ${what}, so it is not on the tape` : undefined);
    if (detail !== undefined) {
      this.#comparison.diverged(command.record.n, command.record.value, { kind }, detail);
      this.#refuse(waiter);
      return;
    }
    if (waiter !== undefined) this.#await(command.number, waiter);
  }

  #await(number: number, waiter: Waiter<unknown>): void {
    const settlement = this.#settled.get(number);
    this.#settled.delete(number);
    if (settlement === undefined) this.#waiters.set(number, waiter);
    else answer(waiter, settlement);
  }

  /** What was not asked for then gets no answer. */
  #refuse(waiter: Waiter<unknown> | undefined): void {
    const { divergence } = this.#comparison;
    waiter?.reject(divergence === undefined ? closed() : new ReplayDivergedError(divergence));
  }
}

function answer(waiter: Waiter<unknown>, settlement: Settlement): void {
  if ('error' in settlement) waiter.reject(settlement.error);
  else waiter.resolve(settlement.value);
}

function closed(): ChannelError {
  return new ChannelError('channel_closed', 'the replay is over');
}
