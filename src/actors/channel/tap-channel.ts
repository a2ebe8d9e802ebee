import { abortable, onAbort } from '../../streams/index.ts';
import { type Channel, tellOfTap } from './channel.ts';
import { channelClosed } from './channel-closed.ts';
import type { ChannelTap, TapRequest } from './channel-tap.ts';
import { deferred } from './deferred.ts';

/**
 * Listens to a channel from a moment on, see {@link TapRequest}. Resolves when it has begun; if `signal` is aborted first, it
 * never does.
 *
 * @throws {@link ChannelError} `bad_request` if somebody listens already, `channel_closed`; the reason of `signal`
 */
export async function tapChannel(
  channel: Channel,
  request: Omit<TapRequest, 'waiter'>,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = deferred<undefined>();
  if (!tellOfTap(channel, { kind: 'tap', request: { ...request, waiter: { resolve, reject } } }))
    throw channelClosed(channel.name);
  const takeBack = signal && onAbort(signal, () => void untapChannel(channel, request.tap));
  try {
    await abortable(promise, signal);
  } finally {
    takeBack?.();
  }
}

/** Ends what {@link tapChannel} began. Resolves when the tap was told; at once if the channel is closed. */
export async function untapChannel(channel: Channel, listener: ChannelTap): Promise<void> {
  const { promise, resolve, reject } = deferred<undefined>();
  if (tellOfTap(channel, { kind: 'untap', tap: listener, waiter: { resolve, reject } })) await promise;
}
