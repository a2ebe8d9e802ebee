import { Mailbox } from '../mailbox.ts';
import type { CommitRequest } from './commit-request.ts';
import type { Consumer } from './consumer.ts';
import type { LinkInput } from './link-driver.ts';
import type { OutgoingPayload, Waiter } from './outbox-desk.ts';
import type { RejoinOutcome } from './rejoin-port.ts';
import type { ChannelTap, TapRequest } from './channel-tap.ts';

/** What reaches a channel's actor beside payloads. Never dropped, so each kind is bounded where it comes from. */
export type ChannelControl =
  | LinkInput
  | { readonly kind: 'connect' }
  | { readonly kind: 'leave'; readonly waiter: Waiter<undefined> }
  | { readonly kind: 'remove-leavers' }
  | { readonly kind: 'replace-rejoiners' }
  | { readonly kind: 'state-epoch' }
  | { readonly kind: 'judge-fork' }
  | RejoinOutcome
  /** Somebody asked for messages. */
  | { readonly kind: 'open-gate' }
  | { readonly kind: 'commit'; readonly request: CommitRequest }
  | { readonly kind: 'consume'; readonly consumer: Consumer }
  | { readonly kind: 'release'; readonly consumer: Consumer }
  | { readonly kind: 'acknowledge'; readonly seq: number }
  /** A reader cannot take more, or can again. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'let-go' }
  /** Something may be done now that could not before: a delay is over. */
  | { readonly kind: 'wake' }
  /** What is not on disk yet should be. */
  | { readonly kind: 'flush' }
  /** Somebody wants to listen, or no more. */
  | { readonly kind: 'tap'; readonly request: TapRequest }
  | { readonly kind: 'untap'; readonly tap: ChannelTap; readonly waiter: Waiter<undefined> }
  | { readonly kind: 'stop' };

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
