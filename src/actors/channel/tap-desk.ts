import { ChannelError, type SkytaleError } from '../../base/errors.ts';
import type { ChannelTap, ChannelTurn, TapRequest, TapStart, TapSwitch } from './channel-tap.ts';
import type { Workbench } from './workbench.ts';

/** Who listens to the actor, or wants to. One at a time. */
export class TapDesk {
  readonly #bench: Workbench;
  readonly #tap: TapSwitch;
  #awaited: TapRequest | undefined;

  constructor(bench: Workbench, tap: TapSwitch) {
    this.#bench = bench;
    this.#tap = tap;
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
      nowMs: ports.clock.now(),
      link: link.current,
      canRejoin: ports.rejoin !== undefined,
    });
    waiter.resolve(undefined);
  }

  takeOff(tap: ChannelTap): void {
    if (this.#tap.current === tap) this.#tap.end();
  }

  /** What the actor has taken out of its mailbox. */
  turn(turn: ChannelTurn): ChannelTurn {
    return this.#tap.current?.turn(turn) ?? turn;
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
