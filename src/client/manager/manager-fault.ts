import type { ChannelFault, ChannelMessage } from '../../actors/channel/index.ts';
import type { SkytaleError } from '../../base/errors.ts';

/**
 * What a manager has to tell beside what its calls answer.
 *
 * - `malformed-envelope`: a message that begins as an envelope and is none; `receive` goes on behind it.
 * - `buffer-full`: so many messages wait for `receive` that the channel reads no further until it is called. Nothing is lost,
 *   and nothing else of the channel is heard of either: changes of the group wait, too.
 * - `dropped`: the buffer was full, and these messages were given up for later ones, as `overflow` says.
 * - `unclaimed`: `channel$` was asked for, `receive` never called, and the buffer is full: so these messages, which the streams
 *   have shown, are not kept for `receive`, nor are later ones until it is called.
 * - `open-failed`: a channel of an earlier run could not be opened. The next call for it tries again.
 * - `channel`: a fault of a channel, see {@link ChannelFault}.
 */
export type ManagerFault =
  | {
      readonly kind: 'malformed-envelope';
      readonly channel: string;
      readonly message: ChannelMessage;
      readonly error: SkytaleError;
    }
  | { readonly kind: 'buffer-full'; readonly channel: string; readonly messages: number }
  | {
      readonly kind: 'dropped' | 'unclaimed';
      readonly channel: string;
      readonly fromSeq: number;
      readonly toSeq: number;
      readonly messages: number;
    }
  | { readonly kind: 'open-failed'; readonly channel: string; readonly error: SkytaleError }
  | { readonly kind: 'channel'; readonly channel: string; readonly fault: ChannelFault };

/** A fault in words, for a log: without anything that a message holds. */
export function describeFault(fault: ManagerFault): string {
  const { channel } = fault;
  switch (fault.kind) {
    case 'malformed-envelope':
      return `${channel}: message ${fault.message.seq} begins as an envelope and is none; it was skipped`;
    case 'buffer-full':
      return `${channel}: ${fault.messages} messages wait; the channel reads no further until receive() is called`;
    case 'dropped':
      return `${channel}: ${fault.messages} messages (${fault.fromSeq} to ${fault.toSeq}) were dropped, because nobody received them`;
    case 'unclaimed':
      return `${channel}: ${fault.messages} messages that nobody received are not kept for receive(), nor are later ones until it is called`;
    case 'open-failed':
      return `${channel} could not be opened: ${fault.error.message}`;
    case 'channel': {
      const { fault: inner } = fault;
      return `${channel}: ${inner.kind}${'error' in inner ? ` (${inner.error.code})` : ''}`;
    }
  }
}
