import type { ChannelMessage } from './channel-event.ts';

/** Who is handed what is in the journal. */
export interface JournalReader {
  /** Messages, in order. */
  offer(messages: readonly ChannelMessage[]): void;
  stop(): void;
}
