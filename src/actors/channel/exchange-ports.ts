import type { Clock } from '../../base/clock.ts';
import type { ChannelFault, ChannelState, SendReceipt } from './channel-event.ts';
import type { EnvelopeHeader } from './envelope.ts';
import type { MessageIds } from './message-id.ts';

/** Where requests get their ids from. */
export type CallIds = Pick<MessageIds, 'create' | 'isOwn'>;

/** Something to send on behalf of a desk. */
export interface Parcel {
  readonly header: EnvelopeHeader;
  readonly payload?: Uint8Array;
  /** Gives up waiting for room in the mailbox. */
  readonly signal?: AbortSignal;
  /** Told, in the same turn, when the relay has stored it. */
  readonly stored?: (receipt: SendReceipt) => void;
  /** Told when it was not sent and will not be. */
  readonly failed: (error: unknown) => void;
}

/** What the desks beside a channel's actor need of the channel. */
export interface ExchangePorts {
  readonly name: string;
  readonly clock: Clock;
  /** Requests have ids of the same kind as messages: so a reply to an own one is known, also after a restart. */
  readonly ids: CallIds;
  /** Own identity. */
  readonly self: Uint8Array;
  readonly state: () => ChannelState;
  /** Puts a parcel behind what was sent before; starts the flow. */
  readonly send: (parcel: Parcel) => void;
  readonly fault: (fault: ChannelFault) => void;
  /** @throws {@link ChannelError} `channel_closed`, or why nothing moves any more */
  readonly checkOpen: () => void;
}
