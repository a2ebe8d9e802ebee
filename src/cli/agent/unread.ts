import type { Channel, ChannelMessage, Consumption } from '../../actors/channel/index.ts';

/**
 * Unread messages that are kept for the next `tail`. The channel's journal takes 1 024 messages and 8 MiB, and beyond that the
 * relay is asked for no more, so that a command that only sends would never catch up.
 */
const MAX_MESSAGES = 900;
const MAX_BYTES = 6 * 1024 * 1024;

interface Unread {
  readonly bytes: number;
  readonly skip: () => void;
  readonly keep: (reason: Error) => void;
}

/**
 * Consumes a channel for a command that does not read it: messages stay in the journal, unacknowledged, and are there for
 * the next reader. What does not fit is let go, the oldest first, and told.
 */
export function keepUnread(channel$: Channel, onSkipped: (messages: number) => void): Consumption {
  const unread: Unread[] = [];
  let heldBytes = 0;
  let isListening = false;
  const makeRoom = (): void => {
    let skipped = 0;
    while (unread.length > MAX_MESSAGES || heldBytes > MAX_BYTES) {
      const oldest = unread.shift();
      if (oldest === undefined) break;
      heldBytes -= oldest.bytes;
      oldest.skip();
      skipped += 1;
    }
    if (skipped > 0) onSkipped(skipped);
  };
  const hold = ({ payload }: ChannelMessage, signal: AbortSignal): Promise<void> => {
    if (!isListening) {
      isListening = true;
      signal.addEventListener(
        'abort',
        () => {
          for (const { keep } of unread.splice(0)) keep(signal.reason as Error);
        },
        { once: true },
      );
    }
    return new Promise((resolve, reject) => {
      unread.push({ bytes: payload.length, skip: resolve, keep: reject });
      heldBytes += payload.length;
      makeRoom();
    });
  };
  return channel$.consume(hold, { concurrency: MAX_MESSAGES + 1 });
}
