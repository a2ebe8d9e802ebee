import type { Observable } from 'rxjs';
import type { SkytaleError } from '../../base/errors.ts';
import { type ChannelRecord, epochAuthenticator, groupExtensions } from '../../mls/index.ts';
import { OrderedSubject, type StateObservable, StateSubject } from '../../streams/index.ts';
import type {
  ChannelEvent,
  ChannelFault,
  ChannelMember,
  ChannelMessage,
  ChannelState,
  ChannelStatus,
} from './channel-event.ts';
import type { Clock } from '../../base/clock.ts';
import type { TapSwitch } from './channel-tap.ts';
import { ChannelTally } from './channel-inspection.ts';
import { channelMembers } from './intake.ts';
import { MessageGate } from './message-gate.ts';

/** Messages, and their bytes, that wait for the first subscriber. */
const HELD_MESSAGES = 1024;
const HELD_BYTES = 8 * 1024 * 1024;

/** What a channel shows: one ordered stream of events, and one state that is always set before the event that tells of it. */
export class ChannelOutput {
  readonly #events = new OrderedSubject<ChannelEvent>();
  readonly #state: StateSubject<ChannelState>;
  readonly #gate = new MessageGate(HELD_MESSAGES, HELD_BYTES);
  #members: readonly ChannelMember[];
  #authenticator: Uint8Array;

  readonly tally: ChannelTally = new ChannelTally();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #tap: Pick<TapSwitch, 'current'>;

  constructor(state: ChannelState, clock: Pick<Clock, 'now'>, tap: Pick<TapSwitch, 'current'>) {
    this.#clock = clock;
    this.#tap = tap;
    this.#members = state.members;
    this.#authenticator = state.epochAuthenticator;
    this.#state = new StateSubject<ChannelState>(state);
    this.events$ = this.#events.asObservable();
    this.state$ = this.#state.asObservable();
  }

  readonly events$: Observable<ChannelEvent>;
  readonly state$: StateObservable<ChannelState>;

  get status(): ChannelStatus {
    return this.#state.value.status;
  }

  setStatus(status: ChannelStatus, cause?: SkytaleError): void {
    if (status === this.status && cause === this.#state.value.cause) return;
    this.change((state) => ({ ...state, status, cause }));
  }

  /** Makes what `change` makes of it the state. */
  change(change: (state: ChannelState) => ChannelState): void {
    const next = change(this.#state.value);
    this.#tap.current?.state(next);
    this.#state.update(() => next);
  }

  /** Shows the record as it is now. */
  show(record: ChannelRecord, unsettled: number): void {
    const { epoch } = record.group;
    const shown = this.#state.value;
    // What has gone by and is not written yet was shown already: the position that is shown never goes back.
    const seq = Math.max(seqOf(record), shown.seq);
    if (epoch !== shown.epoch) {
      this.#members = channelMembers(record);
      this.#authenticator = epochAuthenticator(record.group);
    } else if (seq === shown.seq && unsettled === shown.unsettled) {
      return;
    }
    const members = this.#members;
    const extensions = epoch === shown.epoch ? shown.extensions : groupExtensions(record.group);
    const authenticator = this.#authenticator;
    this.change((state) => ({
      ...state,
      epoch,
      members,
      extensions,
      epochAuthenticator: authenticator,
      seq,
      unsettled,
    }));
  }

  /** Emits, in order. Messages wait until somebody has asked for messages. */
  emit(events: readonly ChannelEvent[]): void {
    for (const event of events) {
      this.#tap.current?.emitted(event);
      if (event.kind !== 'message' || this.#gate.isOpen) {
        this.#next(event);
        continue;
      }
      const unread = this.#gate.hold(event);
      if (unread !== undefined) this.fault({ kind: 'unread', ...unread });
    }
  }

  fault(fault: ChannelFault): void {
    const event: ChannelEvent = { kind: 'fault', fault };
    this.#tap.current?.emitted(event);
    this.#next(event);
  }

  /** Lets messages through from now on: first `older` ones, then those that waited, which are returned. */
  openGate(older: readonly ChannelMessage[] = []): readonly ChannelMessage[] {
    const held = this.#gate.isOpen ? [] : this.#gate.open();
    this.emit(older);
    for (const message of held) this.#next(message);
    return held;
  }

  #next(event: ChannelEvent): void {
    this.tally.count(event, this.#clock);
    this.#events.next(event);
  }

  complete(): void {
    this.#events.complete();
    this.#state.complete();
  }
}

/** A channel's state when it is opened on its record. */
export function channelState(record: ChannelRecord): ChannelState {
  const { name, group, outbox } = record;
  return {
    name,
    status: 'idle',
    cause: undefined,
    epoch: group.epoch,
    members: channelMembers(record),
    extensions: groupExtensions(group),
    epochAuthenticator: epochAuthenticator(group),
    seq: seqOf(record),
    unsettled: outbox.length,
  };
}

function seqOf({ cursor }: ChannelRecord): number {
  return 'afterSeq' in cursor ? cursor.afterSeq : 0;
}
