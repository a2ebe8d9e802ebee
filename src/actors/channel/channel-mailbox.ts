import { Mailbox } from '../mailbox.ts';
import type { ChannelInput } from './channel-input.ts';
import type { TapMessage } from './channel-tap.ts';
import type { OutgoingPayload } from './outbox-desk.ts';

/** What is in the lane before the payloads. */
export type ChannelControl = ChannelInput | TapMessage;

/** The actor's end of its mailbox. */
export type ActorMailbox = Pick<
  Mailbox<ChannelControl, OutgoingPayload>,
  'tell' | 'take' | 'depth' | 'capacity' | 'oldest' | 'pauseUser' | 'resumeUser' | 'close'
>;

/** Both ends. */
export type ChannelMailbox = ActorMailbox & Pick<Mailbox<ChannelControl, OutgoingPayload>, 'put' | 'offer'>;

/** The queue in front of one channel: payloads bounded in number and bytes, everything else before them. */
export function createChannelMailbox(): ChannelMailbox {
  return new Mailbox({ sizeOf: ({ payload }) => payload.length });
}
