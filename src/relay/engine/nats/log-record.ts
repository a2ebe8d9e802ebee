import type { ChannelName } from '../../../base/channel-name.ts';
import type { EntryKind } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';

/**
 * What relays write into a shard's stream, one record a JetStream message. A record is a wish; what comes of it is judged by the
 * fold when it is read, at its place in the order, and all relays judge alike because a record holds all that the judgement
 * needs: no relay's own settings or clock enter it.
 */
export type LogRecord = AppendRecord | ClaimRecord | MemberRecord | TrimChannelRecord | TrimShardRecord;

interface RecordBase {
  /** 16 bytes. Also the message id by which the server knows a record that is sent again. */
  readonly id: Uint8Array;
}

/** Submissions for one channel, to be stored in this order, all in one step. */
export interface AppendRecord extends RecordBase {
  readonly kind: 'append';
  readonly channel: ChannelName;
  /** By the writing relay's clock. */
  readonly storedAtMs: number;
  /** How far behind the channel's epoch a message may be, as the writing relay is configured. */
  readonly staleEpochs: number;
  readonly parts: readonly AppendPart[];
}

/** Submissions of one publisher. */
export interface AppendPart {
  readonly group: Uint8Array;
  /** Absent where the relay is open. */
  readonly account: AccountId | undefined;
  /** First day of the month in which its messages count, Unix ms; 0 without an account. */
  readonly monthStartMs: number;
  /**
   * Messages that have a reserved place in their account's quota are void when the server stores them later than this (Unix ms,
   * the server's clock): by then the place may have been given to another. 0 where there is no quota.
   */
  readonly reservedUntilMs: number;
  readonly submissions: readonly RecordSubmission[];
}

/** A submission as a record holds it. */
export interface RecordSubmission {
  readonly kind: EntryKind;
  readonly epoch: number;
  readonly messageId: Uint8Array;
  /**
   * Absent if it is only to be judged: the relay expects that what stands before it in the record makes it lose, and
   * asks for the answer at that place in the order. Nothing is stored then, whatever the judgement.
   */
  readonly payload: Uint8Array | undefined;
  readonly welcomes: readonly RecordWelcome[];
}

/** A Welcome: in the record, or in pieces that were stored before, by their sequence numbers in the stream. */
export interface RecordWelcome {
  readonly keyPackageRefs: readonly Uint8Array[];
  readonly content: Uint8Array | readonly number[];
}

/** An account takes a Welcome: the first one to do so has it. */
export interface ClaimRecord extends RecordBase {
  readonly kind: 'claim';
  readonly channel: ChannelName;
  readonly account: AccountId;
  readonly keyPackageRef: Uint8Array;
}

/** An account comes to a channel, or is taken from it. */
export interface MemberRecord extends RecordBase {
  readonly kind: 'admit' | 'expel';
  readonly channel: ChannelName;
  readonly account: AccountId;
}

/** A channel's entries up to `upToSeq` are gone. */
export interface TrimChannelRecord extends RecordBase {
  readonly kind: 'trim-channel';
  readonly channel: ChannelName;
  readonly upToSeq: number;
}

/** The entries and Welcomes of all channels that are in records up to `upToRecord` are gone. */
export interface TrimShardRecord extends RecordBase {
  readonly kind: 'trim-shard';
  readonly upToRecord: number;
}

/** Submissions in one record: an entry's number is its record's, and this many places in it. */
export const PLACES = 256;

/** The sequence number of the entry at `place` of a record. */
export function entrySeq(record: number, place: number): number {
  return record * PLACES + place;
}

/** The record that holds an entry. */
export function recordOf(seq: number): number {
  return Math.floor(seq / PLACES);
}
