import { type ChannelRecord, encryptMessage, type MlsEngine, type OutboxEntry } from '../../mls/index.ts';
import type { Submission } from '../../transport/index.ts';
import { encodeEnvelope } from './envelope.ts';

/** Ciphertexts that may leave once the record that belongs to them is durable. */
export interface OutgoingStep {
  readonly record: ChannelRecord;
  readonly submissions: readonly Submission[];
  /** How many of them were encrypted in this step. */
  readonly encrypted: number;
}

/**
 * Encrypts `entries` in order on the record's group, each under its message id as authenticated data. Does no I/O.
 *
 * The outbox on disk keeps the payload and not the ciphertext: what has to be sent again after a restart, or in a later
 * epoch, is encrypted again under the same id, and the relay stores it once. So no ciphertext has to be written to disk.
 */
export async function encryptEntries(
  record: ChannelRecord,
  entries: readonly OutboxEntry[],
  engine: MlsEngine,
): Promise<OutgoingStep> {
  let { group } = record;
  const submissions: Submission[] = [];
  for (const { messageId, payload, header } of entries) {
    const encrypted = await encryptMessage(engine, group, encodeEnvelope(payload, header), messageId);
    submissions.push({ kind: 'message', epoch: group.epoch, messageId, payload: encrypted.ciphertext });
    group = encrypted.group;
  }
  return { record: { ...record, group }, submissions, encrypted: submissions.length };
}
