import type { Observable } from 'rxjs';
import type { ChannelName } from '../base/channel-name.ts';
import type { SkytaleError } from '../base/errors.ts';
import type { StateObservable } from '../streams/index.ts';

/**
 * One entry of a channel's log, as the relay stored it. Its bytes may be views into a larger buffer that came over the
 * network: copy what is kept for long, or a 16-byte id keeps a whole batch in memory.
 */
export interface LogEntry {
  /** Position in the channel's one order. Rises, need not be dense. */
  readonly seq: number;
  /** The predecessor's `seq`, 0 before the first entry: a reader that checks it can prove that it missed nothing. */
  readonly prevSeq: number;
  readonly kind: EntryKind;
  /** Epoch in which the payload was made; for a commit the epoch that it ends. */
  readonly epoch: bigint;
  /** 16 bytes chosen by the sender. */
  readonly messageId: Uint8Array;
  /** An MLSMessage (RFC 9420 §6). */
  readonly payload: Uint8Array;
  /** When the relay stored it, by its clock, in Unix milliseconds. */
  readonly storedAtMs: number;
}

/** What an entry of a log is: an application message, or a commit of the group. */
export type EntryKind = 'message' | 'commit';

/** A Welcome that travels with the commit that makes it valid. */
export interface WelcomeSubmission {
  /** References of the key packages that it is for (RFC 9420 §5.2). */
  readonly keyPackageRefs: readonly Uint8Array[];
  readonly payload: Uint8Array;
}

/** What a client asks the relay to append. */
export interface Submission {
  readonly kind: EntryKind;
  readonly epoch: bigint;
  /** 16 bytes. Submitting an id again is answered with the sequence number that it already has. */
  readonly messageId: Uint8Array;
  readonly payload: Uint8Array;
  /** With a commit only: stored in the same step as the commit, or not at all. */
  readonly welcomes?: readonly WelcomeSubmission[];
}

/** Why the relay refused a submission or a subscription. */
export type RefusalReason =
  | 'epoch-decided'
  | 'epoch-unknown'
  | 'stale-epoch'
  | 'foreign-group'
  | 'too-large'
  | 'malformed'
  | 'limit'
  | 'unavailable'
  | 'invalid-channel'
  | 'unauthorized'
  | 'log-went-back'
  | 'quota-exceeded'
  | 'rate-limited'
  | 'protocol-error'
  | 'unsupported-version';

/** The relay's word on one submission. */
export type PublishAnswer =
  | { readonly kind: 'accepted'; readonly seq: number; readonly duplicate: boolean }
  | {
      readonly kind: 'refused';
      readonly reason: RefusalReason;
      readonly detail: string;
      /** The channel's epoch, by the commits in its log. 0 with `too-large`: then the relay may not have been asked. */
      readonly currentEpoch: bigint;
      /** With `rate-limited` and `quota-exceeded`: how long it makes no sense to submit it again. */
      readonly retryAfterMs?: number;
    };

/** What an account may still publish. Messages count, commits do not. */
export interface Quota {
  /** Messages in a calendar month, UTC. */
  readonly limit: number;
  readonly remaining: number;
  /** Start of the next month, Unix milliseconds. */
  readonly resetsAtMs: number;
}

/** Where in the log a link starts. */
export type LinkStart =
  | { readonly afterSeq: number }
  /** Behind the commit that ended this epoch: where somebody starts who was added by that commit. */
  | { readonly afterCommitOfEpoch: bigint };

/** Options of {@link RelayTransport.open}. */
export interface LinkOptions {
  readonly channel: ChannelName;
  /** 16 bytes that name the MLS group; the relay refuses another group under the same channel name. */
  readonly group: Uint8Array;
  readonly start: LinkStart;
  /** Entries that may arrive before {@link ChannelLink.grant} is called. At least 1. */
  readonly credit: number;
}

/** What a notice is about: somebody waits to be admitted to the channel, or somebody is to be removed from it. */
export type NoticeTopic = 'join-requests' | 'removals';

/** What happens on a link, in order. */
export type LinkEvent =
  /** Subscribed on a fresh connection. Delivery goes on behind the last entry that was emitted. */
  | { readonly kind: 'online' }
  | { readonly kind: 'entries'; readonly entries: readonly LogEntry[] }
  /** Once per `online`: all that was in the log at that moment has been emitted. `headSeq` is 0 for an empty log. */
  | { readonly kind: 'caught-up'; readonly headSeq: number }
  /** Entries after `afterSeq` and before `resumesAtSeq` are gone for ever. */
  | { readonly kind: 'gap'; readonly afterSeq: number; readonly resumesAtSeq: number }
  /**
   * There is something new for the channel's members at the control plane. Several of one topic may come as one, and one may
   * be lost: whoever cares also asks after each `caught-up` and from time to time.
   */
  | { readonly kind: 'notice'; readonly topic: NoticeTopic }
  /** The connection is lost; the transport reconnects by itself. */
  | { readonly kind: 'offline'; readonly cause: SkytaleError }
  /** The relay will not serve this link, now or after a reconnect. The last event; the stream completes. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly error: SkytaleError };

/** One channel on a transport. */
export interface ChannelLink {
  /**
   * Events of the link. Cold: subscribing subscribes at the relay, unsubscribing ends that. One subscriber at a time.
   * A second subscription starts behind the last entry that the first one got. Never errors, except a second subscriber
   * at the same time with `invalid_argument`; completes after `refused` and when the transport closes.
   */
  readonly events$: Observable<LinkEvent>;
  /** Allows `entries` more entries. What was granted and not used outlives a reconnect. */
  grant(entries: number): void;
  /**
   * Appends to the log, in order; one answer per submission. Needs no subscription. Before the first attempt to connect
   * has ended it waits for its outcome; later it never waits for a connection.
   *
   * A message that comes back `rate-limited` or `unavailable` may be submitted again later. What was under way behind it would
   * overtake it if it were taken meanwhile. So the relay takes no message of a `round` in which it has refused one on this
   * channel so, nor of an earlier round. Rounds count from 1; whoever has heard of such a refusal submits in the next
   * one. The default 0 is for those that need no order.
   *
   * @throws {@link TransportError} `connection_lost` if the connection ended before the answer came. Then each
   * submission may or may not be in the log: read the log, then submit again under its id what is not in it.
   * `connection_error` if there is no connection, `limit_exceeded` if too much waits to be sent: then nothing was sent.
   * @throws {@link RuntimeError} `invalid_argument` for a submission that no relay would take.
   */
  publish(submissions: readonly Submission[], round?: number): Promise<readonly PublishAnswer[]>;
}

/** A Welcome that waits at the relay for the owner of a key package. */
export interface WelcomeDelivery {
  readonly channel: ChannelName;
  /** The commit that made the Welcome valid. */
  readonly commitSeq: number;
  readonly payload: Uint8Array;
}

/** How the connection to the relay is. */
export type TransportStatus =
  | { readonly kind: 'idle' }
  /** `attempt` is 1 for the first since the start or the last loss. */
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'online' }
  /** Lost (`attempt` 0), or not reached in `attempt` attempts; tries again in `retryInMs`. */
  | { readonly kind: 'offline'; readonly attempt: number; readonly retryInMs: number; readonly cause: SkytaleError }
  /** The relay refused the connection for a reason that trying again does not cure. */
  | { readonly kind: 'refused'; readonly cause: SkytaleError }
  | { readonly kind: 'closed' };

/**
 * A client's connection to a relay, whatever carries it. Connects when first used and reconnects for ever.
 * It moves bytes and knows no keys.
 */
export interface RelayTransport {
  /** Whether it tells the relay on whose account it acts. Then a Welcome must come through {@link RelayTransport.awaitWelcome}. */
  readonly isAuthenticated: boolean;
  /** State of the connection. Replays the latest; completes when closed. */
  readonly status$: StateObservable<TransportStatus>;
  /**
   * The account's quota as of the last publish on any channel. Replays the latest; `undefined` until a relay tells one;
   * completes when closed.
   */
  readonly quota$: StateObservable<Quota | undefined>;
  /** A link to one channel. Nothing goes over the wire until it is used. */
  open(options: LinkOptions): ChannelLink;
  /**
   * Waits, across reconnects, for the Welcome addressed to a key package; asking again gets it again. Where the relay
   * authenticates its clients, being handed the Welcome also admits the account to the channel. Rejects with the
   * signal's reason when aborted, with the cause if the transport is refused, and with {@link AuthError} `unauthorized` if
   * the Welcome was handed to another account.
   */
  awaitWelcome(keyPackageRef: Uint8Array, signal?: AbortSignal): Promise<WelcomeDelivery>;
  /** Ends all links and the connection. Calls that wait reject with `connection_lost`. */
  close(): Promise<void>;
}
