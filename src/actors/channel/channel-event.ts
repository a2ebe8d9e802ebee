import type { SkytaleError } from '../../base/errors.ts';
import type { GroupExtension } from '../../mls/index.ts';
import type { Arrival, ExchangeEvent } from './exchange-event.ts';

/** A decrypted message of another member. */
export interface ChannelMessage extends Arrival {
  readonly kind: 'message';
  readonly payload: Uint8Array;
  /** Whether an earlier run of this agent may have emitted it already (see {@link Channel.consume}). */
  readonly redelivered: boolean;
  /** What the sender wants to hear about it, which the channel tells by itself. Absent if nothing. */
  readonly asksFor?: 'delivered' | 'handled';
}

/** A member as users see it: who, at which leaf of the tree. */
export interface ChannelMember {
  /** Identity bytes of the member's credential. */
  readonly identity: Uint8Array;
  /** Leaf index (RFC 9420 §7). */
  readonly leaf: number;
  /** The member's public signature key. */
  readonly signatureKey: Uint8Array;
}

/** A commit was applied: the group is in a new epoch. */
export interface EpochChange extends Omit<Arrival, 'sender'> {
  readonly kind: 'epoch-change';
  /** The new epoch. When this is emitted, `state$.value.epoch` is at least this. */
  readonly epoch: bigint;
  /** Who is a member from this epoch on. */
  readonly added: readonly ChannelMember[];
  /** Who is none any more. A member that comes back with a fresh leaf stands in both lists. */
  readonly removed: readonly ChannelMember[];
  /** Identity of who made the commit. `undefined` where the engine cannot tell. */
  readonly committer: Uint8Array | undefined;
  /** Identities that were known under another signature key than the one that they came with now. */
  readonly keyChanged: readonly KeyChange[];
}

/** An identity that comes with another signature key than before: a new device or directory, or somebody else. */
export interface KeyChange {
  readonly identity: Uint8Array;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** A member asks to be removed. It stays until somebody's commit removes it, which the channel sees to by itself. */
export interface LeaveRequest extends Arrival {
  readonly kind: 'leave-request';
  readonly member: ChannelMember;
}

/**
 * A member that cannot go on with its keys asks for a fresh leaf: its data directory is an old copy, or it cannot apply a
 * commit. The request is signed with the member's own key. One of the other members takes it in, which the channel sees to by itself.
 */
export interface RejoinRequest extends Arrival {
  readonly kind: 'rejoin-request';
  readonly member: ChannelMember;
  readonly keyPackage: Uint8Array;
}

/**
 * What went wrong with something that came from outside, as a value: the stream lives on.
 *
 * - `undecryptable`: an entry of the log that this member cannot read; it was skipped.
 * - `stale`: a message from an epoch whose keys are erased already.
 * - `gap`: the relay no longer has these entries (retention); delivery goes on behind them.
 * - `unread`: nobody subscribed to messages and the holding space was full: these were dropped, oldest first.
 * - `overflow`: `next()` was called while the mailbox was full; the payload is handed back.
 * - `rejected`: the relay refused a message that was given to `next()`; the payload is handed back.
 * - `source-error`: an Observable that feeds the channel ended with an error.
 * - `handler-failed`: a `consume` handler threw; the message is tried again.
 * - `commit-failed`: a change that the channel makes by itself (removing who leaves or was revoked, renewing keys) was not possible.
 * - `rolled-back`: the data directory is an old copy; the channel joins anew.
 * - `crashed`: the channel's actor failed and restarts from its store.
 * - `late-reply`: a reply to a request of this agent that does not wait any more.
 * - `respond-failed`: a `respond` handler threw, or too many requests waited for it; who asked was told.
 * - `unsent`: a reply, a cancellation or a confirmation could not be sent.
 * - `slow`: a consumer or another reader is so far behind that the relay is asked for no more until it has caught up by half.
 *   Told once each time. `unhandled` messages wait in the journal.
 * - `join-refused`: a request to join is not what it seems, or cannot be granted; it was denied. Many of them point at a control
 *   plane that is up to something.
 * - `control-plane`: the control plane cannot be asked who wants to join and whom to remove. Told once an outage; the channel keeps
 *   asking.
 * - `fork`: a member says, signed, that it is in another state of the epoch than this one: they were shown different
 *   histories. All members say then in which state they are; those on the smaller side stop reading and ask for a fresh leaf.
 * - `removal-refused`: a request to remove a member was not signed by another member, or is void. Many of them point at a control
 *   plane that is not to be trusted.
 * - `stuck`: a commit cannot be applied; the channel does not go past it, and joins anew behind it if another member helps.
 */
export type ChannelFault =
  | { readonly kind: 'undecryptable'; readonly seq: number; readonly epoch: bigint; readonly error: SkytaleError }
  | { readonly kind: 'stale'; readonly seq: number; readonly epoch: bigint }
  | { readonly kind: 'gap'; readonly afterSeq: number; readonly resumesAtSeq: number }
  | { readonly kind: 'unread'; readonly fromSeq: number; readonly toSeq: number; readonly messages: number }
  | { readonly kind: 'overflow'; readonly payload: Uint8Array }
  | { readonly kind: 'rejected'; readonly payload: Uint8Array; readonly error: SkytaleError }
  | { readonly kind: 'source-error'; readonly error: SkytaleError }
  | { readonly kind: 'handler-failed'; readonly seq: number; readonly attempt: number; readonly error: SkytaleError }
  | { readonly kind: 'rolled-back'; readonly seq: number; readonly error: SkytaleError }
  | { readonly kind: 'commit-failed'; readonly error: SkytaleError }
  | { readonly kind: 'late-reply'; readonly seq: number; readonly sender: Uint8Array; readonly payload: Uint8Array }
  | { readonly kind: 'respond-failed'; readonly seq: number; readonly error: SkytaleError }
  | { readonly kind: 'unsent'; readonly error: SkytaleError }
  | { readonly kind: 'slow'; readonly unhandled: number }
  | { readonly kind: 'join-refused'; readonly identity: Uint8Array; readonly error: SkytaleError }
  | { readonly kind: 'control-plane'; readonly error: SkytaleError }
  | {
      readonly kind: 'fork';
      readonly seq: number;
      readonly epoch: bigint;
      /** Who is in another state. */
      readonly sender: Uint8Array;
      readonly error: SkytaleError;
    }
  | { readonly kind: 'removal-refused'; readonly identity: Uint8Array; readonly error: SkytaleError }
  | { readonly kind: 'crashed'; readonly error: SkytaleError; readonly retryInMs: number }
  | { readonly kind: 'stuck'; readonly seq: number; readonly error: SkytaleError };

/** All that happens on a channel, in the one order that every view derives from. */
export type ChannelEvent =
  | ChannelMessage
  | EpochChange
  | LeaveRequest
  | RejoinRequest
  | ExchangeEvent
  | { readonly kind: 'fault'; readonly fault: ChannelFault };

/**
 * - `idle`: open, the flow has not been started.
 * - `connecting`, `offline`: the relay is not reached yet, or lost; the channel keeps trying.
 * - `catching-up`: reading what the log has.
 * - `live`: everything that was in the log is read.
 * - `removed`: this agent is no member any more; the streams have completed.
 * - `refused`: the relay will not serve this channel; `state$.value.cause` says why.
 * - `stuck`: a commit could not be applied, and no other member has given a fresh leaf within a minute, or the commit after
 *   that could not be applied either. Join anew, as when `rolled-back`.
 * - `forked`: this member was on the smaller side of a fork, and no other member has given a fresh leaf within a minute. Join
 *   anew, as when `rolled-back`; and compare {@link ChannelState.epochAuthenticator} with the other members over another way.
 * - `rejoining`: the channel asks the other members for a fresh leaf and waits for one of them. The data directory is an old
 *   copy: the log holds own messages that it does not know, and sending would use keys a second time. Or a commit could not
 *   be applied, or the group is split.
 * - `rolled-back`: the data directory is an old copy, and joining anew was not possible. Join anew, with a key package that a member takes in by
 *   `commit({ replace })`.
 * - `stopped`: closed by its owner.
 */
export type ChannelStatus =
  | 'idle'
  | 'connecting'
  | 'offline'
  | 'catching-up'
  | 'live'
  | 'removed'
  | 'refused'
  | 'stuck'
  | 'forked'
  | 'rejoining'
  | 'rolled-back'
  | 'stopped';

/** The channel as one value, so that two views of it never disagree. */
export interface ChannelState {
  readonly name: string;
  readonly status: ChannelStatus;
  /** Why the status is `offline`, `refused`, `stuck`, `forked`, `rejoining` or `rolled-back`. */
  readonly cause: SkytaleError | undefined;
  readonly epoch: bigint;
  readonly members: readonly ChannelMember[];
  /** What the members have agreed on (RFC 9420 §13), see {@link GroupChange.extensions}. */
  readonly extensions: readonly GroupExtension[];
  /** The same for all members of an epoch, and only for them (RFC 9420 §8.7): members that compare it notice a split group. */
  readonly epochAuthenticator: Uint8Array;
  /** Sequence number of the last entry that was processed, 0 before the first. */
  readonly seq: number;
  /** Messages that were accepted and that the relay has not acknowledged yet. */
  readonly unsettled: number;
}

/** The relay has the message: it is durable there, at this place in the channel's order. */
export interface SendReceipt {
  readonly seq: number;
  /** Epoch in which it was encrypted. */
  readonly epoch: bigint;
  /** 32 hexadecimal characters. */
  readonly messageId: string;
}

/** A wanted change of the group's membership or keys. */
export interface GroupChange {
  /** Key packages of agents to add. */
  readonly add?: readonly Uint8Array[];
  /**
   * Key packages of members that come back with new keys, after they have lost their data directory for example: the
   * leaf that the identity had goes in the same commit. Who is no member is added.
   */
  readonly replace?: readonly Uint8Array[];
  /** Identities of members to remove. */
  readonly remove?: readonly Uint8Array[];
  /** Whether to renew own keys. Implied by a removal. */
  readonly rotate?: boolean;
  /**
   * What the members agree on from now on, in place of {@link ChannelState.extensions}. A change of its own: not together with
   * members. All members must understand each of them, see `extensionTypes` of the client.
   */
  readonly extensions?: readonly GroupExtension[];
}

/** A change that has won its epoch and is applied. */
export interface CommitReceipt {
  /** The epoch that the commit began. */
  readonly epoch: bigint;
  readonly seq: number;
  /** For the agents that were added; `undefined` if there are none. */
  readonly welcome: Uint8Array | undefined;
}
