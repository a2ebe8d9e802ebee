import type { ChannelName } from '../../base/channel-name.ts';

/** Whether members admit by themselves whoever shows a good token, or somebody decides on each. */
export type ApprovalPolicy = 'automatic' | 'manual';

/** A channel, as the control plane knows it. */
export interface ChannelInfo {
  readonly id: string;
  readonly name: string;
  /** Accounts in the channel. */
  readonly memberCount: number;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
}

/** An invite as its maker registers it. The control plane never sees the token, only what checks its redemption. */
export interface InviteSubmission {
  readonly channel: ChannelName;
  /** 16 bytes in base64url, made by the inviting member. */
  readonly id: string;
  /** SHA-256 of the redeem key. */
  readonly verifier: Uint8Array;
  /** What the inviting member has signed, at most 8 KiB; opaque to the control plane. */
  readonly record: Uint8Array;
  /** Identities that may use it: 1 to 10 000. */
  readonly maxUses: number;
  /** 60 to 2 592 000, which are 30 days. */
  readonly ttlSeconds: number;
  readonly approval: ApprovalPolicy;
}

/** An invite as it is registered. */
export interface InviteInfo {
  readonly id: string;
  readonly channel: string;
  readonly maxUses: number;
  /** Identities that wait or were admitted. */
  readonly uses: number;
  readonly approval: ApprovalPolicy;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
}

/** A wish to be added, by somebody who holds a token. */
export interface JoinSubmission {
  readonly channel: ChannelName;
  readonly inviteId: string;
  /** 32 bytes that only the token holds; shown to the control plane. */
  readonly redeemKey: Uint8Array;
  /** 1 to 256 bytes. */
  readonly identity: Uint8Array;
  /** At most 16 KiB. */
  readonly keyPackage: Uint8Array;
  /** What the members check, at most 4 KiB; opaque to the control plane. */
  readonly proof: Uint8Array;
}

/**
 * How a request stands. `waiting`: nobody has taken it up; `claimed`: a member is about to admit it; `cancelled`: taken
 * back, or another request of the same identity took its place.
 */
export type JoinStatus = 'waiting' | 'claimed' | 'admitted' | 'denied' | 'expired' | 'cancelled';

/** A request as its author sees it. */
export interface JoinProgress {
  readonly requestId: string;
  readonly status: JoinStatus;
  /** With `denied`: why, in the words of who denied it. */
  readonly reason?: string;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

/** A request as the members of the channel see it. Nothing of it is to be believed before it was checked. */
export interface PendingJoin {
  readonly id: string;
  readonly identity: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly proof: Uint8Array;
  readonly inviteId: string;
  readonly inviteRecord: Uint8Array;
  readonly approval: ApprovalPolicy;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  readonly status: 'waiting' | 'claimed';
}

/** Which requests a member wants to decide. */
export interface ClaimOptions {
  /** At most so many. Default 64. */
  readonly limit?: number;
  /** These ones. Default the oldest that may be admitted without anybody's approval. */
  readonly ids?: readonly string[];
}

/** Where the commit that admitted somebody stands. */
export interface Admission {
  /** The epoch that the commit began. */
  readonly epoch: bigint;
  readonly seq: number;
}

/** A wish that an agent be cut off everywhere. */
export interface RevocationSubmission {
  readonly identity: Uint8Array;
  readonly reason: string;
  /** Identity of the member that asks for it. */
  readonly requestedBy: Uint8Array;
  readonly signature: Uint8Array;
}

/** How far a revocation has come. */
export interface RevocationInfo {
  readonly id: string;
  readonly identity: Uint8Array;
  readonly reason: string;
  readonly status: 'running' | 'done';
  readonly keysRevoked: number;
  /** Keys that the identity shares with others: they stay. */
  readonly keysShared: number;
  readonly invitesRevoked: number;
  readonly channels: readonly { readonly channel: string; readonly status: 'queued' | 'removed' }[];
  /** Unix milliseconds. */
  readonly createdAtMs: number;
}

/** Somebody whom the members of a channel are asked to remove. */
export interface PendingRemoval {
  readonly id: string;
  readonly identity: Uint8Array;
  readonly requestedBy: Uint8Array;
  readonly signature: Uint8Array;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
}

/** What an account has used this month. */
export interface AccountUsage {
  readonly accountId: string;
  /** First day of the month, `YYYY-MM-DD`. */
  readonly period: string;
  readonly tokenExchanges: number;
  readonly messagesRelayed: number;
  readonly plan: string;
  /** `undefined` for any number. */
  readonly messagesPerMonth: number | undefined;
}

/** Waits for a change instead of asking again and again. */
export interface WaitOptions<Seen> {
  /** How long the answer may take if nothing has changed, in seconds: 0 to 25. Default 0. */
  readonly waitSeconds?: number;
  /** What the caller knows already. */
  readonly since?: Seen;
  readonly signal?: AbortSignal;
}

/**
 * An account's view of the control plane: channels, invites, requests to join, revocations. It carries public key material
 * and things that members sign; it never has a key of a channel, and nobody has to believe it.
 *
 * Every method rejects with {@link AuthError} `auth_failed` or `unauthorized`; {@link ChannelError} `not_found` for what is
 * not there or not the account's, `bad_request`; {@link TransportError} `connection_error` if it cannot be reached,
 * `limit_exceeded`, `protocol_error`, `transport_error`; and with the reason of `signal` when it is aborted.
 */
export interface ControlPlane {
  /** Registers a channel. Again for one that the account is in: the same answer. @throws {@link ChannelError} `channel_exists` if it is another account's */
  createChannel(name: ChannelName, identity?: Uint8Array, signal?: AbortSignal): Promise<ChannelInfo>;

  createInvite(invite: InviteSubmission, signal?: AbortSignal): Promise<InviteInfo>;
  listInvites(channel: ChannelName, signal?: AbortSignal): Promise<readonly InviteInfo[]>;
  revokeInvite(id: string, signal?: AbortSignal): Promise<void>;

  /**
   * Asks to be added. A new request of an identity takes the place of its old one.
   *
   * @throws {@link ChannelError} `invite_unknown`, `invite_wrong_channel`, `invite_expired`, `invite_revoked`, `invite_exhausted`,
   * `identity_taken`
   */
  requestJoin(request: JoinSubmission, signal?: AbortSignal): Promise<JoinProgress>;
  joinStatus(requestId: string, options?: WaitOptions<JoinStatus>): Promise<JoinProgress>;
  cancelJoin(requestId: string, signal?: AbortSignal): Promise<void>;

  /** Requests that wait or are claimed, oldest first, at most 256. */
  pending(channel: ChannelName, signal?: AbortSignal): Promise<readonly PendingJoin[]>;
  /** Takes requests that wait for the next ten seconds, so that not every member commits. Returns what it got. */
  claim(channel: ChannelName, options?: ClaimOptions, signal?: AbortSignal): Promise<readonly PendingJoin[]>;
  /** Reports that somebody is in. Reporting again changes nothing. */
  admit(requestId: string, admission: Admission, signal?: AbortSignal): Promise<void>;
  /** @param reason at most 256 characters, told to who asked */
  deny(requestId: string, reason: string, signal?: AbortSignal): Promise<void>;
  /** Gives back what was claimed and not decided. */
  release(requestId: string, signal?: AbortSignal): Promise<void>;

  revoke(revocation: RevocationSubmission, signal?: AbortSignal): Promise<RevocationInfo>;
  /** Answers when another number of channels than `since` is removed. */
  revocation(id: string, options?: WaitOptions<number>): Promise<RevocationInfo>;
  removals(channel: ChannelName, signal?: AbortSignal): Promise<readonly PendingRemoval[]>;
  removalDone(id: string, signal?: AbortSignal): Promise<void>;

  usage(signal?: AbortSignal): Promise<AccountUsage>;
  /** A token for the relay. `identity` binds the API key to it, so that a revocation of the identity ends the key. */
  token(identity?: Uint8Array, signal?: AbortSignal): Promise<string>;
}
