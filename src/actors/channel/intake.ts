import { MlsError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import {
  agreesWith,
  type ChannelRecord,
  admissionNotesOf,
  comesFromLaterState,
  describeChange,
  type Group,
  groupMembers,
  type JournalEntry,
  type Member,
  type MlsEngine,
  newLeaves,
  noteAdmissions,
  type PendingCommitEntry,
  pinMembers,
  readEpochStatement,
  readRejoinRequest,
  receiveMessage,
  settleCommit,
} from '../../mls/index.ts';
import type { LogEntry } from '../../transport/index.ts';
import type { ChannelEvent, ChannelMember, ChannelMessage } from './channel-event.ts';
import { decodeEnvelope } from './envelope.ts';
import type { Arrival } from './exchange-event.ts';
import { toJournalEntry } from './journal-entry.ts';
import type { Envelope } from './gen/skytale/channel/v1/envelope_pb.ts';
import type { MessageIds } from './message-id.ts';
import { readExchange, receiptName } from './read-exchange.ts';

/** What the channel learns from the log about something that it sent itself. */
export type Verdict =
  /** An own message is in the log. */
  | { readonly kind: 'stored'; readonly messageId: string; readonly seq: number; readonly epoch: bigint }
  /** The own commit won its epoch and is applied. */
  | { readonly kind: 'won'; readonly commit: PendingCommitEntry; readonly seq: number }
  /** Another commit won the epoch; the own one is void. */
  | { readonly kind: 'lost'; readonly commit: PendingCommitEntry };

/** The result of reading entries of the log: the next record, and what it means for others. */
export interface IntakeStep {
  readonly record: ChannelRecord;
  readonly events: readonly ChannelEvent[];
  readonly verdicts: readonly Verdict[];
  /** Positions of messages whose senders want to hear that they are delivered: they are, when the record is durable. */
  readonly delivered: readonly number[];
  /** Whether there was a message of the present epoch that could not be read. */
  readonly suspicious: boolean;
  /** What members say about the states that they are in. */
  readonly statements: readonly StatementEntry[];
  /** How many of the entries are read. A step ends behind a commit, so that state and events move together. */
  readonly taken: number;
  /**
   * False if only own messages went by. Then nothing is lost when the record is not written now: after a crash they
   * are read again.
   */
  readonly mustBeDurable: boolean;
  /** Why reading stopped before the last entry; the record stands in front of the entry in question. */
  readonly halt: Halt | undefined;
}

/** A member's statement about its epoch, in its place in the log. */
export interface StatementEntry {
  readonly seq: number;
  readonly epoch: bigint;
  readonly sender: Uint8Array;
  readonly digest: Uint8Array;
  /** Whether it is in the state that this member is in. */
  readonly agrees: boolean;
}

export type Halt =
  /** `prevSeq` does not name the entry that was read last: something is missing. Read again from the cursor. */
  | { readonly kind: 'broken-chain'; readonly entry: LogEntry }
  /** An own entry that this record knows nothing of: the record is an old copy. */
  | { readonly kind: 'rolled-back'; readonly entry: LogEntry }
  /** A commit cannot be applied, or is not there any more. It must not be skipped. */
  | { readonly kind: 'commit-failed'; readonly entry: LogEntry; readonly error: SkytaleError };

/** What reading needs to know beside the record. */
export interface IntakeContext {
  readonly engine: MlsEngine;
  readonly ids: MessageIds;
  readonly nowMs: number;
  readonly phase: 'replay' | 'live';
  /** Whether messages go to the delivery journal, for a consumer that acknowledges. */
  readonly isJournalled: boolean;
  /** Behind a gap: the entry from here on that comes first need not name the one that was read last. */
  readonly resumesAtSeq: number | undefined;
}

/**
 * Reads entries of the log in order: applies a commit, decrypts messages, recognises own ones. Does no I/O and leaves
 * `record` as it is, so that a step whose result could not be written can be done again.
 *
 * Stops behind a commit, and in front of an entry that must not be read.
 */
export async function takeEntries(
  record: ChannelRecord,
  entries: readonly LogEntry[],
  context: IntakeContext,
): Promise<IntakeStep> {
  const step = new Step(record, context);
  let taken = 0;
  for (const entry of entries) {
    const halt = step.isAlreadyRead(entry) ? undefined : await step.take(entry);
    if (halt !== undefined) return step.result(taken, halt);
    taken += 1;
    if (entry.kind === 'commit') break;
  }
  return step.result(taken, undefined);
}

/** The members of the record's group, in the users' form. */
export function channelMembers(record: ChannelRecord): readonly ChannelMember[] {
  return groupMembers(record.group).map(toChannelMember);
}

function toChannelMember({ identity, leaf, signatureKey }: Member): ChannelMember {
  return { identity, leaf, signatureKey };
}

/** One step under construction. Lives for one call of {@link takeEntries}. */
class Step {
  readonly #context: IntakeContext;
  #record: ChannelRecord;
  readonly #events: ChannelEvent[] = [];
  readonly #verdicts: Verdict[] = [];
  readonly #journal: JournalEntry[] = [];
  readonly #delivered: number[] = [];
  readonly #statements: StatementEntry[] = [];
  #suspicious = false;
  #mustBeDurable = false;

  constructor(record: ChannelRecord, context: IntakeContext) {
    this.#record = record;
    this.#context = context;
  }

  isAlreadyRead(entry: LogEntry): boolean {
    const { cursor } = this.#record;
    return 'afterSeq' in cursor && entry.seq <= cursor.afterSeq;
  }

  async take(entry: LogEntry): Promise<Halt | undefined> {
    if (!this.#follows(entry)) return { kind: 'broken-chain', entry };
    const halt = entry.kind === 'commit' ? await this.#takeCommit(entry) : await this.#takeMessage(entry);
    if (halt === undefined) this.#record = { ...this.#record, cursor: { afterSeq: entry.seq } };
    return halt;
  }

  result(taken: number, halt: Halt | undefined): IntakeStep {
    const { journal } = this.#record;
    return {
      record: this.#journal.length === 0 ? this.#record : { ...this.#record, journal: [...journal, ...this.#journal] },
      events: this.#events,
      verdicts: this.#verdicts,
      delivered: this.#delivered,
      suspicious: this.#suspicious,
      statements: this.#statements,
      taken,
      mustBeDurable: this.#mustBeDurable,
      halt,
    };
  }

  /** Whether `entry` comes right behind the one that was read last. */
  #follows({ seq, prevSeq }: LogEntry): boolean {
    const { cursor } = this.#record;
    // Someone who starts behind the commit that added it does not know that commit's number: the first entry tells.
    if (!('afterSeq' in cursor) || prevSeq === cursor.afterSeq) return true;
    const { resumesAtSeq } = this.#context;
    return (
      resumesAtSeq !== undefined && cursor.afterSeq < resumesAtSeq && seq >= resumesAtSeq && prevSeq < resumesAtSeq
    );
  }

  async #takeMessage(entry: LogEntry): Promise<Halt | undefined> {
    if (this.#context.ids.isOwn(entry.messageId)) {
      if (await this.#isUnknownToUs(entry)) return { kind: 'rolled-back', entry };
      const messageId = toHex(entry.messageId);
      this.#verdicts.push({ kind: 'stored', messageId, seq: entry.seq, epoch: entry.epoch });
      return undefined;
    }
    // No relay takes a message for an epoch that is still to come, so a commit is missing: retention may have had it.
    if (entry.epoch > this.#record.group.epoch) return { kind: 'commit-failed', entry, error: missedCommit(entry) };
    this.#mustBeDurable = true;
    try {
      const received = await receiveMessage(this.#context.engine, this.#record.group, entry.payload);
      if (received.kind === 'leave-proposed') {
        this.#record = { ...this.#record, group: received.group };
        const member = toChannelMember(received.member);
        this.#events.push({ kind: 'leave-request', ...this.#arrivalOf(entry, received.member), member });
        return undefined;
      }
      if (received.kind !== 'application') {
        throw new MlsError('decryption_failure', `entry ${entry.seq} says that it is a message and is none`);
      }
      // The id is authenticated, so that nobody on the way can give one message's id to another.
      if (toHex(received.authenticatedData) !== toHex(entry.messageId)) {
        throw new MlsError('decryption_failure', `entry ${entry.seq} travels under a foreign message id`);
      }
      this.#record = { ...this.#record, group: received.group };
      this.#deliver(entry, received.sender, decodeEnvelope(received.plaintext));
    } catch (error) {
      if (await this.#takeRejoinRequest(entry)) return undefined;
      if (!(await this.#takeStatement(entry))) this.#reportUnreadable(entry, toSkytaleError(error));
    }
    return undefined;
  }

  /** Whether the entry is a member's request for a fresh leaf. */
  async #takeRejoinRequest(entry: LogEntry): Promise<boolean> {
    const { engine, nowMs } = this.#context;
    const request = await readRejoinRequest(engine, this.#record.group, entry.payload, nowMs, entry.epoch);
    if (request === undefined) return false;
    // Nothing is left to do for one that has its leaf, or will ask again.
    if (request === 'granted' || request === 'outdated') return true;
    const { member, keyPackage } = request;
    const arrival = this.#arrivalOf(entry, member);
    this.#events.push({ kind: 'rejoin-request', ...arrival, member: toChannelMember(member), keyPackage });
    return true;
  }

  /** Whether the entry is a member's statement about an epoch. Only one about the present epoch matters. */
  async #takeStatement({ seq, epoch, payload }: LogEntry): Promise<boolean> {
    const { engine } = this.#context;
    const { group } = this.#record;
    const statement = await readEpochStatement(engine, group, payload, epoch);
    if (statement === undefined) return false;
    if (epoch === group.epoch) {
      const { member, digest } = statement;
      const agrees = await agreesWith(engine, group, statement);
      this.#statements.push({ seq, epoch, sender: member.identity, digest, agrees });
    }
    return true;
  }

  /** Whether an own message was made by a later state than ours. While live, we have just made it ourselves. */
  async #isUnknownToUs({ payload }: LogEntry): Promise<boolean> {
    const { engine, phase } = this.#context;
    return phase === 'replay' && (await comesFromLaterState(engine, this.#record.group, payload));
  }

  #arrivalOf({ seq, epoch }: LogEntry, { identity: sender }: Member): Arrival {
    const { phase, nowMs: receivedAt } = this.#context;
    return { seq, epoch, sender, phase, receivedAt };
  }

  #deliver(entry: LogEntry, sender: Member, envelope: Envelope): void {
    if (envelope.kind.case !== undefined) {
      this.#events.push(readExchange(envelope, this.#arrivalOf(entry, sender), entry.storedAtMs));
      return;
    }
    const { seq, epoch } = entry;
    const { identity } = sender;
    const { nowMs, phase, isJournalled } = this.#context;
    const { payload } = envelope;
    const asksFor = receiptName(envelope.receipt);
    if (asksFor === 'delivered') this.#delivered.push(seq);
    const message: ChannelMessage = {
      kind: 'message',
      payload,
      seq,
      epoch,
      sender: identity,
      phase,
      redelivered: false,
      receivedAt: nowMs,
      ...(asksFor && { asksFor }),
    };
    this.#events.push(message);
    if (isJournalled) this.#journal.push(toJournalEntry(message));
  }

  #reportUnreadable(entry: LogEntry, error: SkytaleError): void {
    if (entry.epoch === this.#record.group.epoch) this.#suspicious = true;
    const isStale = error.code === 'epoch_mismatch' && entry.epoch < this.#record.group.epoch;
    this.#events.push({
      kind: 'fault',
      fault: isStale
        ? { kind: 'stale', seq: entry.seq, epoch: entry.epoch }
        : { kind: 'undecryptable', seq: entry.seq, epoch: entry.epoch, error },
    });
  }

  async #takeCommit(entry: LogEntry): Promise<Halt | undefined> {
    const before = this.#record;
    this.#mustBeDurable = true;
    const pending = before.pendingCommit;
    if (pending !== undefined && toHex(pending.messageId) === toHex(entry.messageId)) {
      this.#enterEpoch(settleCommit(before.group, pending.next));
      this.#verdicts.push({ kind: 'won', commit: pending, seq: entry.seq });
      this.#reportChange(
        before,
        entry,
        groupMembers(before.group).find(({ leaf }) => leaf === before.group.ownLeaf),
      );
      return undefined;
    }
    // An own commit is kept until the log has it. One that is not there was made by a later state than this.
    if (this.#context.ids.isOwn(entry.messageId)) return { kind: 'rolled-back', entry };
    try {
      const received = await receiveMessage(this.#context.engine, before.group, entry.payload, before.pins);
      if (received.kind !== 'commit') {
        throw new MlsError('decryption_failure', `entry ${entry.seq} says that it is a commit and is none`);
      }
      this.#enterEpoch(received.group);
      if (pending !== undefined) this.#verdicts.push({ kind: 'lost', commit: pending });
      this.#reportChange(before, entry, received.committer);
      return undefined;
    } catch (error) {
      return { kind: 'commit-failed', entry, error: toSkytaleError(error) };
    }
  }

  #enterEpoch(group: Group): void {
    const { pins } = pinMembers(this.#record.pins, groupMembers(group));
    this.#record = { ...this.#record, group, pins, pendingCommit: undefined, commitSpentInEpoch: undefined };
  }

  #reportChange(before: ChannelRecord, { seq, payload }: LogEntry, committer: Member | undefined): void {
    const { phase, nowMs: receivedAt } = this.#context;
    const { group } = this.#record;
    const seen = { nowMs: receivedAt, epoch: group.epoch, seq };
    const added = newLeaves(group, before.group);
    // The commit was found authentic, and so are its notes.
    const notes = added.length === 0 ? [] : admissionNotesOf(payload);
    this.#record = { ...this.#record, admissions: noteAdmissions(before.admissions, added, notes, seen) };
    const change = describeChange(before.group, group, before.pins);
    this.#events.push({
      kind: 'epoch-change',
      epoch: group.epoch,
      seq,
      phase,
      receivedAt,
      added: change.added.map(toChannelMember),
      removed: change.removed.map(toChannelMember),
      committer: committer?.identity,
      keyChanged: change.keyChanged,
    });
  }
}

function missedCommit({ seq, epoch }: LogEntry): MlsError {
  return new MlsError('epoch_mismatch', `entry ${seq} is of epoch ${epoch}, and the commit that began it is missing`);
}
