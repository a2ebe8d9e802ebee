import type { ChannelName } from '../../base/channel-name.ts';
import type { AgentKeys } from '../agent-keys.ts';
import type { Group } from '../group.ts';
import type { IdentityPins } from '../identity-pins.ts';
import type { Admissions } from '../invite/admissions.ts';
import type { KeyPackageBundle } from '../key-package.ts';

/** Where reading of the channel's log goes on. */
export type Cursor = { readonly afterSeq: number } | { readonly afterCommitOfEpoch: bigint };

/** A message that was accepted from the user and that the relay has not acknowledged yet. */
export interface OutboxEntry {
  readonly messageId: Uint8Array;
  /** The payload as it was handed in, kept until the entry is settled: a stale message is encrypted anew. */
  readonly payload: Uint8Array;
  /** What goes into the ciphertext beside the payload, in the channel's encoding. Absent for a plain message. */
  readonly header?: Uint8Array | undefined;
}

/** A message that was decrypted for a durable consumer and that the consumer has not acknowledged yet. */
export interface JournalEntry {
  readonly seq: number;
  readonly epoch: bigint;
  /** Identity bytes of the sender's credential. */
  readonly sender: Uint8Array;
  readonly payload: Uint8Array;
  /** When the message was received, in Unix milliseconds. */
  readonly receivedAtMs: number;
  /** What came in the ciphertext beside the payload, in the channel's encoding. Absent for a plain message. */
  readonly header?: Uint8Array | undefined;
}

/** An own commit whose fate the log has not told yet. */
export interface PendingCommitEntry {
  readonly messageId: Uint8Array;
  /** The epoch that the commit ends. */
  readonly epoch: bigint;
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  /** Key packages that the Welcome is for (RFC 9420 §5.2). */
  readonly welcomeRefs: readonly Uint8Array[];
  /** The state to switch to when the commit has won. */
  readonly next: Group;
}

/** All that a channel must keep, as one immutable value that is replaced as a whole. */
export interface ChannelRecord {
  readonly name: ChannelName;
  readonly group: Group;
  /** 32 secret bytes by which the channel recognises the message ids that it made itself. */
  readonly idKey: Uint8Array;
  readonly cursor: Cursor;
  readonly outbox: readonly OutboxEntry[];
  readonly journal: readonly JournalEntry[];
  readonly pendingCommit: PendingCommitEntry | undefined;
  /**
   * The epoch in which a private commit has left already. A second one made in the same epoch would reuse the key of
   * the first (RFC 9420 §9.1), so it is framed as a public message.
   */
  readonly commitSpentInEpoch: bigint | undefined;
  /** Under which signature key each identity is known. Changes with the epoch only. */
  readonly pins: IdentityPins;
  /** Who was seen coming, so that nobody is added twice on one request to join. */
  readonly admissions: Admissions;
}

/**
 * What an agent keeps between runs: its keys, its unused key packages, its channels. A port: the steps of `mls` do no
 * I/O, actors call it between them.
 *
 * Every method rejects with a {@link RuntimeError}: `store_error` if the store cannot be reached, `store_damaged` if
 * what it holds is not what was written, `data_dir_version` if a newer version wrote it. A read never answers
 * "not there" because of an error.
 */
export interface AgentStore extends AsyncDisposable {
  /** The agent's keys, or `undefined` before {@link AgentStore.saveKeys}. */
  loadKeys(): Promise<AgentKeys | undefined>;
  saveKeys(keys: AgentKeys): Promise<void>;

  /** Names of all channels that were written and not deleted. */
  channelNames(): Promise<readonly ChannelName[]>;
  loadChannel(name: ChannelName): Promise<ChannelRecord | undefined>;
  /** Replaces the channel's record in one atomic write; resolves when it is durable. Writes land in the order of calls. */
  saveChannel(record: ChannelRecord): Promise<void>;
  deleteChannel(name: ChannelName): Promise<void>;

  /** Keeps the private part of a key package until it is used or deleted. */
  saveKeyPackage(bundle: KeyPackageBundle): Promise<void>;
  /** The key package with this reference (RFC 9420 §5.2), if this agent made it and has not used it yet. */
  loadKeyPackage(ref: Uint8Array): Promise<KeyPackageBundle | undefined>;
  deleteKeyPackage(ref: Uint8Array): Promise<void>;
  /**
   * References of the key packages that are kept, from old to new. After a crash also of one that was about to be kept or
   * had just been deleted.
   */
  keyPackageRefs(): Promise<readonly Uint8Array[]>;

  /** Waits for writes that are under way, then lets go of the store and of its lock. */
  close(): Promise<void>;
}
