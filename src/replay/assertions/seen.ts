import type { Channel, ChannelFault, ChannelMessage, ChannelStatus, EpochChange } from '../../actors/channel/index.ts';
import { reportToHost } from '../../streams/index.ts';

/** What a channel has shown since {@link watch}, in its order. */
export interface Seen {
  readonly messages: readonly ChannelMessage[];
  readonly epochChanges: readonly EpochChange[];
  readonly faults: readonly ChannelFault[];
  readonly statuses: readonly ChannelStatus[];
}

/** Subscribes to a channel, and keeps what it shows. For tests: it is kept without bound. */
export function watch(channel$: Channel): Seen {
  const messages: ChannelMessage[] = [];
  const epochChanges: EpochChange[] = [];
  const faults: ChannelFault[] = [];
  const statuses: ChannelStatus[] = [];
  channel$.faults$.subscribe({ next: (fault) => faults.push(fault), error: reportToHost });
  channel$.epochChanges$.subscribe({ next: (change) => epochChanges.push(change), error: reportToHost });
  channel$.status$.subscribe({ next: (status) => statuses.push(status), error: reportToHost });
  channel$.messages$.subscribe({ next: (message) => messages.push(message), error: reportToHost });
  return { messages, epochChanges, faults, statuses };
}
