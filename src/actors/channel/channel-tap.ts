import type { Clock } from '../../base/clock.ts';
import type { ChannelRecord, LeaveProposal, MlsEngine, StagedCommit } from '../../mls/index.ts';
import type { ChannelEvent, ChannelState } from './channel-event.ts';
import type { ChannelInput } from './channel-input.ts';
import type { OutgoingPayload, Waiter } from './outbox-desk.ts';

/** Something that was asked of the outside has succeeded, or not. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/**
 * What a channel's actor was told by its ports, in order. Together with what it took out of its mailbox, nothing else
 * decides what it does.
 *
 * - `now`, `bytes`, `fraction`: a read of the clock, a draw of random bytes or of a number.
 * - `timer`: the timer has fired that was the `number`th to be set since the tap began.
 * - `saved`: the `number`th write of the record since the tap began has ended. `loaded`: the record was read again.
 *   A `moment` is told by how often the actor has looked since the tap began whether a write has ended.
 * - `staged`, `proposed`: an own commit, or an own wish to leave, was made, with the group that it leads to.
 * - `stopped-now`: its owner does not wait for the relay any more.
 */
export type PortOutcome =
  | { readonly kind: 'now'; readonly nowMs: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'fraction'; readonly fraction: number }
  | { readonly kind: 'timer'; readonly number: number; readonly moment: number }
  | {
      readonly kind: 'saved';
      readonly number: number;
      readonly moment: number;
      readonly outcome: Outcome<undefined>;
    }
  | { readonly kind: 'loaded'; readonly outcome: Outcome<ChannelRecord | undefined> }
  | { readonly kind: 'staged'; readonly outcome: Outcome<StagedCommit> }
  | { readonly kind: 'proposed'; readonly outcome: Outcome<LeaveProposal> }
  | { readonly kind: 'stopped-now' };

/** What the actor takes out of its mailbox at once. */
export interface ChannelTurn {
  readonly control: readonly ChannelInput[];
  readonly user: readonly OutgoingPayload[];
}

/** A channel at the moment from which it is listened to. */
export interface TapStart {
  /** What is in the store. Secret. */
  readonly record: ChannelRecord;
  readonly engine: MlsEngine;
  readonly state: ChannelState;
  /** The clock, whose reads are not told. */
  readonly clock: Pick<Clock, 'now'>;
  /** Whether the channel wants to be connected. */
  readonly isFlowing: boolean;
  /** The number of the link that was open last; the next one has one more. */
  readonly link: number;
  /** Whether a consumer acknowledges messages, and how many readers have asked for no more. */
  readonly isConsumed: boolean;
  readonly holds: number;
  /** Whether a channel that cannot go on may ask for a fresh leaf. */
  readonly canRejoin: boolean;
}

/** Listens to a channel's actor: to all that decides what it does, and to what it does. */
export interface ChannelTap {
  began(start: TapStart): void;
  /** Returns the turn that the actor is to work on: the same, but for who waits for an answer. */
  turn(turn: ChannelTurn): ChannelTurn;
  outcome(outcome: PortOutcome): void;
  /** The actor looks whether a write has ended. */
  looking(): void;
  /** An event, when it came to be: also one that waits for a first subscriber. */
  emitted(event: ChannelEvent): void;
  state(state: ChannelState): void;
  /** Nothing more will come: the tap was taken off, or the actor has terminated. */
  ended(): void;
}

/** Asks the actor to be listened to. */
export interface TapRequest {
  readonly tap: ChannelTap;
  /**
   * Whether the actor starts over from its record at this moment, as after a lost connection. Only then does the tap hear
   * all that is needed to do the same again; it waits until no commit is under way.
   */
  readonly startsOver: boolean;
  readonly waiter: Waiter<undefined>;
}

/** Somebody wants to listen, or no more. */
export type TapMessage =
  | { readonly kind: 'tap'; readonly request: TapRequest }
  | { readonly kind: 'untap'; readonly tap: ChannelTap; readonly waiter: Waiter<undefined> };

/** The place where a tap is put on, or is not: then it costs a look. */
export class TapSwitch {
  #current: ChannelTap | undefined;
  #generation = 0;
  #timers = 0;
  #saves = 0;
  #moment = 0;

  get current(): ChannelTap | undefined {
    return this.#current;
  }

  begin(tap: ChannelTap, start: TapStart): void {
    this.listen(tap);
    tap.began(start);
  }

  /** As {@link TapSwitch.begin}, for who knows how it began. */
  listen(tap: ChannelTap): void {
    this.#current = tap;
    this.#generation += 1;
    this.#timers = 0;
    this.#saves = 0;
    this.#moment = 0;
  }

  end(): void {
    const tap = this.#current;
    this.#current = undefined;
    tap?.ended();
  }

  /** The actor looks whether a write has ended. */
  looking(): void {
    this.#moment += 1;
    this.#current?.looking();
  }

  /** A timer is set. What it returns is called when that fires. */
  timer(): () => void {
    this.#timers += 1;
    const [generation, number] = [this.#generation, this.#timers];
    return () => {
      if (generation === this.#generation) this.#current?.outcome({ kind: 'timer', number, moment: this.#moment });
    };
  }

  /** A write begins. What it returns is called when that has ended. */
  save(): (outcome: Outcome<undefined>) => void {
    this.#saves += 1;
    const [generation, number] = [this.#generation, this.#saves];
    return (outcome) => {
      if (generation === this.#generation)
        this.#current?.outcome({ kind: 'saved', number, moment: this.#moment, outcome });
    };
  }
}
