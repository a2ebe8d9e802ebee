import type { JournalEntry } from '../../mls/index.ts';
import type { ChannelMessage } from './channel-event.ts';
import { decodeEnvelope, encodeHeader } from './envelope.ts';
import { Receipt } from './gen/skytale/channel/v1/envelope_pb.ts';
import { receiptName } from './read-exchange.ts';

const HANDLED_HEADER = encodeHeader({ receipt: Receipt.HANDLED });

/** A message as the journal keeps it, with what its sender wants to hear when it is handled. */
export function toJournalEntry(message: Omit<ChannelMessage, 'kind' | 'phase' | 'redelivered'>): JournalEntry {
  const { seq, epoch, sender, payload, receivedAt: receivedAtMs, asksFor } = message;
  const entry = { seq, epoch, sender, payload, receivedAtMs };
  return asksFor === 'handled' ? { ...entry, header: HANDLED_HEADER } : entry;
}

/** What the sender of a journalled message wants to hear when it is handled. */
export function asksForOf({ header }: JournalEntry): 'delivered' | 'handled' | undefined {
  return header === undefined ? undefined : receiptName(decodeEnvelope(header).receipt);
}

/** A journalled message as it is shown another time. */
export function toRedelivered(entry: JournalEntry): ChannelMessage {
  const { seq, epoch, sender, payload, receivedAtMs: receivedAt } = entry;
  const message = {
    kind: 'message',
    seq,
    epoch,
    sender,
    payload,
    receivedAt,
    phase: 'replay',
    redelivered: true,
  } as const;
  const asksFor = asksForOf(entry);
  return asksFor === undefined ? message : { ...message, asksFor };
}
