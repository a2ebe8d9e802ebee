import { toHex } from '../../base/bytes.ts';
import type { ChannelRecord, MlsEngine, OutboxEntry } from '../../mls/index.ts';
import type { Submission } from '../../transport/index.ts';
import { encryptEntries, type OutgoingStep } from './outgoing.ts';

interface Sealed {
  readonly submission: Submission;
  /** Place in the order of encryption, which is that of the sender's ratchet. */
  readonly place: number;
}

/**
 * Ciphertexts of messages that the relay has not stored yet, so that a message which comes back goes out again as it was.
 *
 * Encrypting again uses up a generation of the sender's ratchet (RFC 9420 §9.1), and receivers follow only so many that
 * they never saw: a message that came back often enough could be read by nobody. Only what the relay stored moves them
 * on; what lies behind that in the ratchet, or belongs to an epoch that is over, must be encrypted again.
 */
export class SealedMessages {
  readonly #byId = new Map<string, Sealed>();
  #lastPlace = 0;
  /** The furthest place that is in the log. */
  #storedPlace = 0;
  /** The furthest that was handed out since nothing was under way. */
  #sentPlace = 0;

  /** Nothing is under way any more: what was handed out and not stored may be handed out again. */
  rewind(): void {
    this.#sentPlace = this.#storedPlace;
  }

  /** The entries as submissions, in order: those that were sealed before as they are, and from the first other on anew. */
  async seal(record: ChannelRecord, entries: readonly OutboxEntry[], engine: MlsEngine): Promise<OutgoingStep> {
    const kept: Submission[] = [];
    for (const { messageId } of entries) {
      const sealed = this.#byId.get(toHex(messageId));
      if (sealed?.submission.epoch !== record.group.epoch || sealed.place <= this.#sentPlace) break;
      kept.push(sealed.submission);
      this.#sentPlace = sealed.place;
    }
    const step = await encryptEntries(record, entries.slice(kept.length), engine);
    for (const submission of step.submissions) {
      this.#sentPlace = this.#lastPlace += 1;
      this.#byId.set(toHex(submission.messageId), { submission, place: this.#lastPlace });
    }
    return { ...step, submissions: [...kept, ...step.submissions] };
  }

  /** A message is in the log. */
  stored(id: string): void {
    this.#storedPlace = Math.max(this.#storedPlace, this.#byId.get(id)?.place ?? 0);
    this.#byId.delete(id);
  }

  /** A message will not be sent any more. */
  forget(id: string): void {
    this.#byId.delete(id);
  }

  /** The ratchet may have gone back to what is on disk: nothing that was made since may be used. */
  clear(): void {
    this.#byId.clear();
  }
}
