import type { Clock } from '../../base/clock.ts';
import { ChannelError, type SkytaleError } from '../../base/errors.ts';
import type { MailboxBatch } from '../mailbox.ts';
import type { ChannelInput } from './channel-input.ts';
import type { ChannelControl } from './channel-mailbox.ts';
import type { OutgoingPayload } from './outbox-desk.ts';
import type { ChannelTap, TapRequest, TapStart, TapSwitch } from './channel-tap.ts';
import type { Workbench } from './workbench.ts';

/** Who listens to the actor, or wants to. One at a time. */
export class TapDesk {
  readonly #bench: Workbench;
  readonly #tap: TapSwitch;
  readonly #clock: Clock;
  #awaited: TapRequest | undefined;

  /** @param clock whose reads are not told */
  constructor(bench: Workbench, tap: TapSwitch, clock: Clock) {
    this.#bench = bench;
    this.#tap = tap;
    this.#clock = clock;
  }

  /** Whether somebody waits for the moment to begin. */
  get isAwaited(): boolean {
    return this.#awaited !== undefined;
  }

  ask(request: TapRequest, ended: SkytaleError | undefined): void {
    const { name } = this.#bench.keeper.record;
    if (ended !== undefined) request.waiter.reject(ended);
    else if (this.#tap.current === undefined && this.#awaited === undefined) this.#awaited = request;
    else request.waiter.reject(new ChannelError('bad_request', `${name} is recorded already`));
  }

  /** Takes who waits, if this is the moment. */
  next(isBusy: boolean): TapRequest | undefined {
    const request = this.#awaited;
    if (request === undefined || (request.startsOver && isBusy)) return undefined;
    this.#awaited = undefined;
    return request;
  }

  putOn({ tap, waiter }: TapRequest, how: Pick<TapStart, 'isFlowing' | 'isConsumed' | 'holds'>): void {
    const { keeper, ports, output, link, ids } = this.#bench;
    // What was drawn before nobody has heard of.
    ids.redraw();
    this.#tap.begin(tap, {
      ...how,
      record: keeper.record,
      engine: ports.engine,
      state: output.state$.value,
      clock: this.#clock,
      link: link.current,
      canRejoin: ports.rejoin !== undefined,
    });
    waiter.resolve(undefined);
  }

  /** Listens no more, or does not wait to any more. */
  takeOff(tap: ChannelTap): void {
    if (this.#tap.current === tap) this.#tap.end();
    if (this.#awaited?.tap !== tap) return;
    const { name } = this.#bench.keeper.record;
    this.#awaited.waiter.reject(new ChannelError('bad_request', `recording ${name} was given up before it began`));
    this.#awaited = undefined;
  }

  /** What the actor has taken out of its mailbox. Who listens hears of it, and not of itself. */
  turn(batch: MailboxBatch<ChannelControl, OutgoingPayload>): MailboxBatch<ChannelControl, OutgoingPayload> {
    const tap = this.#tap.current;
    if (tap === undefined) return batch;
    const { control, user } = tap.turn({ control: batch.control.filter(isInput), user: batch.user });
    return { control: [...control, ...batch.control.filter((message) => !isInput(message))], user: [...user] };
  }

  stoppedNow(): void {
    this.#tap.current?.outcome({ kind: 'stopped-now' });
  }

  /** The actor has terminated. */
  stop(error: SkytaleError): void {
    this.#awaited?.waiter.reject(error);
    this.#awaited = undefined;
    this.#tap.end();
  }
}

function isInput(message: ChannelControl): message is ChannelInput {
  return message.kind !== 'tap' && message.kind !== 'untap';
}
