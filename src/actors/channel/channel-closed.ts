import { ChannelError } from '../../base/errors.ts';

/** What whoever wants something of a closed channel gets. */
export function channelClosed(name: string): ChannelError {
  return new ChannelError('channel_closed', `${name} is closed`);
}
