import type { Observable } from 'rxjs';
import type { Clock } from '../../base/clock.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { ChannelEvent, ChannelFault, ChannelState } from './channel-event.ts';

/** A fault without what it was about. */
export interface FaultNote {
  readonly kind: ChannelFault['kind'];
  readonly error: SkytaleError | undefined;
  /** Unix ms. */
  readonly atMs: number;
}

/** A channel as it is at this moment, beside its state. Holds no payload. */
export interface ChannelFigures {
  /** Payloads that wait in the mailbox, and as many as may. */
  readonly depth: number;
  readonly capacity: number;
  /** Since when the oldest of them has waited, Unix ms. */
  readonly oldestSinceMs: number | undefined;
  /** Messages in the delivery journal. */
  readonly unhandled: number;
  /** Whether its readers are behind, so that the relay is asked for no more. */
  readonly isSlow: boolean;
  /** Messages, and what members exchange beside them, that the relay has acknowledged in this run. */
  readonly sent: number;
  /** Messages of others that were shown in this run. */
  readonly received: number;
  /** How often the channel has started over from its store. */
  readonly crashes: number;
  readonly faults: number;
  readonly lastFault: FaultNote | undefined;
}

/** A channel for somebody who watches it and must not disturb it: nothing of this starts the flow. */
export interface ChannelProbe {
  readonly name: string;
  /** Own identity. */
  readonly identity: Uint8Array;
  readonly state: ChannelState;
  readonly figures: ChannelFigures;
  /** Other members that are there. */
  readonly present: number;
  /** Every event, in the channel's order. Hot, no replay; completes with the channel. */
  readonly events$: Observable<ChannelEvent>;
  /** The channel's state. Replays the latest; completes with the channel. */
  readonly state$: Observable<ChannelState>;
}

/** What a channel's output counts for its {@link ChannelFigures}. */
export class ChannelTally {
  received = 0;
  crashes = 0;
  faults = 0;
  lastFault: FaultNote | undefined;

  /** An event is shown. The clock is read for faults only. */
  count(event: ChannelEvent, clock: Pick<Clock, 'now'>): void {
    if (event.kind === 'message') this.received += 1;
    if (event.kind !== 'fault') return;
    const { fault } = event;
    this.faults += 1;
    if (fault.kind === 'crashed') this.crashes += 1;
    this.lastFault = { kind: fault.kind, error: 'error' in fault ? fault.error : undefined, atMs: clock.now() };
  }
}
