import type { ChannelEvent, ChannelMessage, ChannelOutput, ChannelState } from '../../actors/channel/index.ts';
import { TransportError } from '../../base/errors.ts';
import type { TapeFaultBoard } from './tape-fault.ts';
import type { TapeRecord } from '../tape/tape-record.ts';

/** A connection that is lost, by the tape's time. */
interface Outage {
  readonly untilMs: number;
  /** Where the channel will be when it is over. */
  status: Pick<ChannelState, 'status' | 'cause'>;
}

/** Shows what stands on a tape, but for what is planned to go wrong. */
export class FaultyShowing {
  readonly #output: ChannelOutput;
  readonly #board: TapeFaultBoard;
  #messages = 0;
  /** Nothing is shown before. */
  #heldUntilMs = 0;
  #outage: Outage | undefined;

  constructor(output: ChannelOutput, board: TapeFaultBoard) {
    this.#output = output;
    this.#board = board;
  }

  /** When a record is to be shown, in milliseconds of the tape. Called for each, in order, when its time has come. */
  dueAtMs(record: TapeRecord): number {
    const atMs = Math.max(record.atMs, this.#heldUntilMs);
    if (!isMessage(record)) return atMs;
    this.#messages += 1;
    for (const { ms } of this.#board.take('delay-message', this.#messages)) this.#heldUntilMs = atMs + ms;
    for (const { forMs } of this.#board.take('offline', this.#messages)) this.#lose(atMs + forMs);
    return Math.max(atMs, this.#heldUntilMs);
  }

  event(event: ChannelEvent, { atMs }: TapeRecord): void {
    this.#endOutage(atMs);
    if ('seq' in event) {
      this.#output.change((state) => (event.seq > state.seq ? { ...state, seq: event.seq } : state));
    }
    if (event.kind === 'message') this.#message(event);
    else this.#output.emit([event]);
  }

  state(change: Partial<ChannelState>, { atMs }: TapeRecord): void {
    this.#endOutage(atMs);
    const { status = this.#output.status, cause, ...rest } = change;
    if (this.#outage === undefined) this.#output.change((state) => ({ ...state, ...rest, status, cause }));
    else {
      this.#outage.status = { status, cause };
      this.#output.change((state) => ({ ...state, ...rest }));
    }
  }

  /** There is no more to show. */
  end(): void {
    this.#endOutage(Infinity);
  }

  #message(message: ChannelMessage): void {
    const nth = this.#messages;
    for (const { fault } of this.#board.take('show-fault', nth)) this.#output.fault(fault);
    if (this.#board.take('drop-message', nth).length > 0) {
      const { seq } = message;
      this.#output.fault({ kind: 'gap', afterSeq: seq - 1, resumesAtSeq: seq + 1 });
      return;
    }
    const shown = this.#outage === undefined ? message : { ...message, phase: 'replay' as const };
    this.#output.emit([shown]);
    this.#output.emit(this.#board.take('repeat-message', nth).map(() => ({ ...shown, redelivered: true })));
  }

  #lose(untilMs: number): void {
    const { status, cause } = this.#output.state$.value;
    this.#outage ??= { untilMs, status: { status, cause } };
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs);
    this.#output.setStatus('offline', new TransportError('connection_lost', 'the connection is lost, as was planned'));
  }

  /** Behind what was recorded while it lasted. */
  #endOutage(atMs: number): void {
    const outage = this.#outage;
    if (outage === undefined) return;
    if (this.#output.status === 'offline') {
      this.#output.setStatus('connecting');
      this.#output.setStatus('catching-up');
    }
    if (atMs <= outage.untilMs) return;
    this.#outage = undefined;
    this.#output.change((state) => ({ ...state, ...outage.status }));
  }
}

function isMessage({ kind, value }: TapeRecord): boolean {
  return kind === 'emitted' && (value as { readonly kind?: unknown }).kind === 'message';
}
