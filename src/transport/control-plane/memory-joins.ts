import { createHash, timingSafeEqual } from 'node:crypto';
import type { ChannelName } from '../../base/channel-name.ts';
import { equalBytes, toHex } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { ChannelError } from '../../base/errors.ts';
import type {
  ClaimOptions,
  InviteInfo,
  InviteSubmission,
  JoinProgress,
  JoinStatus,
  JoinSubmission,
  PendingJoin,
} from './control-plane.ts';

/** How long a member has what it claimed. */
export const LEASE_MS = 10_000;
const MAX_REQUEST_LIFE_MS = 24 * 60 * 60 * 1000;
const MAX_PENDING = 256;
const DEFAULT_CLAIM = 64;

interface Invite {
  readonly submission: InviteSubmission;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  isRevoked: boolean;
  /** By identity: the account that used it first. */
  readonly users: Map<string, string>;
}

interface JoinRequest {
  readonly id: string;
  readonly account: string;
  readonly invite: Invite;
  readonly submission: JoinSubmission;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  status: JoinStatus;
  reason: string | undefined;
  endLease: (() => void) | undefined;
}

/** What the joins need of the rest of a memory control plane. */
export interface MemoryJoinsHost {
  readonly clock: Clock;
  createId(): string;
  /** Something about requests of the channel has changed. */
  changed(): void;
  /** There is something for the members of the channel to decide. */
  announce(channel: ChannelName): void;
  admit(channel: ChannelName, account: string, identity: Uint8Array): void;
}

/** Invites and requests to join, by the control plane's rules. A model to test against. */
export class MemoryJoins {
  readonly #host: MemoryJoinsHost;
  readonly #invites = new Map<string, Invite>();
  readonly #requests = new Map<string, JoinRequest>();

  constructor(host: MemoryJoinsHost) {
    this.#host = host;
  }

  invite(submission: InviteSubmission): InviteInfo {
    if (this.#invites.has(submission.id))
      throw new ChannelError('bad_request', 'there is an invite with this id already');
    const createdAtMs = this.#host.clock.now();
    const expiresAtMs = createdAtMs + submission.ttlSeconds * 1000;
    const invite = { submission, createdAtMs, expiresAtMs, isRevoked: false, users: new Map<string, string>() };
    this.#invites.set(submission.id, invite);
    return toInfo(invite);
  }

  invites(channel: ChannelName): readonly InviteInfo[] {
    return [...this.#invites.values()].filter(({ submission }) => submission.channel === channel).map(toInfo);
  }

  /** The channel of an invite. */
  channelOf(inviteId: string): ChannelName | undefined {
    return this.#invites.get(inviteId)?.submission.channel;
  }

  revoke(inviteId: string): void {
    const invite = this.#invites.get(inviteId);
    if (invite === undefined) return;
    invite.isRevoked = true;
    for (const request of this.#open())
      if (request.invite === invite) this.#end(request, 'expired', 'the invite was revoked');
    this.#host.changed();
  }

  request(account: string, submission: JoinSubmission): JoinProgress {
    const invite = this.#usableInvite(submission);
    const user = toHex(submission.identity);
    const first = invite.users.get(user);
    if (first !== undefined && first !== account) {
      throw new ChannelError('identity_taken', 'another account has used the invite for this identity');
    }
    if (first === undefined && invite.users.size >= invite.submission.maxUses) {
      throw new ChannelError('invite_exhausted', 'the invite was used as often as it may be');
    }
    invite.users.set(user, account);
    for (const open of this.#open()) {
      if (open.invite !== invite || !equalBytes(open.submission.identity, submission.identity)) continue;
      this.#end(open, 'cancelled', 'another request took its place');
    }
    const createdAtMs = this.#host.clock.now();
    const request: JoinRequest = {
      id: this.#host.createId(),
      account,
      invite,
      submission,
      createdAtMs,
      expiresAtMs: Math.min(invite.expiresAtMs, createdAtMs + MAX_REQUEST_LIFE_MS),
      status: 'waiting',
      reason: undefined,
      endLease: undefined,
    };
    this.#requests.set(request.id, request);
    this.#host.changed();
    this.#host.announce(submission.channel);
    return toProgress(request);
  }

  progress(account: string, requestId: string): JoinProgress {
    return toProgress(this.#own(account, requestId));
  }

  cancel(account: string, requestId: string): void {
    const request = this.#own(account, requestId);
    if (!isOpen(request)) return;
    this.#end(request, 'cancelled', undefined);
    this.#host.changed();
  }

  pending(channel: ChannelName): readonly PendingJoin[] {
    return this.#openOf(channel).slice(0, MAX_PENDING).map(toPending);
  }

  claim(channel: ChannelName, { limit = DEFAULT_CLAIM, ids }: ClaimOptions): readonly PendingJoin[] {
    const wanted = this.#openOf(channel).filter(({ id, status, invite }) => {
      if (status !== 'waiting') return false;
      return ids === undefined ? invite.submission.approval === 'automatic' : ids.includes(id);
    });
    const claimed = wanted.slice(0, limit);
    for (const request of claimed) {
      request.status = 'claimed';
      request.endLease = this.#host.clock.schedule(LEASE_MS, () => this.#putBack(request));
    }
    this.#host.changed();
    return claimed.map(toPending);
  }

  /** The channel that a request is for. */
  channelOfRequest(requestId: string): ChannelName | undefined {
    return this.#requests.get(requestId)?.submission.channel;
  }

  decide(requestId: string, verdict: 'admitted' | 'denied' | 'waiting', reason?: string): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) throw new ChannelError('not_found', 'no such request');
    this.#expire(request);
    if (request.status === verdict) return;
    if (!isOpen(request)) {
      throw new ChannelError('bad_request', `the request is ${request.status} already`);
    }
    if (verdict === 'waiting') this.#putBack(request);
    else this.#end(request, verdict, reason);
    const { channel, identity } = request.submission;
    if (verdict === 'admitted') this.#host.admit(channel, request.account, identity);
    this.#host.changed();
  }

  /** Requests of an identity end. */
  void(identity: Uint8Array): void {
    for (const request of this.#open()) {
      if (equalBytes(request.submission.identity, identity)) this.#end(request, 'denied', 'the identity was revoked');
    }
    this.#host.changed();
  }

  /** Lets no timer go on. */
  close(): void {
    for (const request of this.#requests.values()) request.endLease?.();
  }

  #usableInvite({ inviteId, redeemKey, channel }: JoinSubmission): Invite {
    const invite = this.#invites.get(inviteId);
    const shown = new Uint8Array(createHash('sha256').update(redeemKey).digest());
    const verifier = invite?.submission.verifier;
    if (invite === undefined || verifier?.length !== shown.length || !timingSafeEqual(shown, verifier)) {
      throw new ChannelError('invite_unknown', 'no invite fits the token');
    }
    if (invite.submission.channel !== channel) {
      throw new ChannelError('invite_wrong_channel', 'the invite is for another channel');
    }
    if (invite.isRevoked) throw new ChannelError('invite_revoked', 'the invite was revoked');
    if (invite.expiresAtMs <= this.#host.clock.now())
      throw new ChannelError('invite_expired', 'the invite has expired');
    return invite;
  }

  #own(account: string, requestId: string): JoinRequest {
    const request = this.#requests.get(requestId);
    if (request === undefined || request.account !== account) throw new ChannelError('not_found', 'no such request');
    this.#expire(request);
    return request;
  }

  #openOf(channel: ChannelName): JoinRequest[] {
    return this.#open().filter(({ submission }) => submission.channel === channel);
  }

  #open(): JoinRequest[] {
    for (const request of this.#requests.values()) this.#expire(request);
    return [...this.#requests.values()].filter(isOpen);
  }

  #expire(request: JoinRequest): void {
    if (isOpen(request) && request.expiresAtMs <= this.#host.clock.now()) this.#end(request, 'expired', undefined);
  }

  #putBack(request: JoinRequest): void {
    request.endLease?.();
    request.endLease = undefined;
    request.status = 'waiting';
    this.#host.changed();
    this.#host.announce(request.submission.channel);
  }

  #end(request: JoinRequest, status: JoinStatus, reason: string | undefined): void {
    request.endLease?.();
    request.endLease = undefined;
    request.status = status;
    request.reason = reason;
    // Who was admitted stays a user, and who will ask again at once has its use from the new request.
    const gaveUp = status === 'denied' || status === 'expired' || (status === 'cancelled' && reason === undefined);
    const { invite, submission } = request;
    const wasIn = [...this.#requests.values()].some(
      (other) =>
        other.invite === invite &&
        other.status === 'admitted' &&
        equalBytes(other.submission.identity, submission.identity),
    );
    if (gaveUp && !wasIn) invite.users.delete(toHex(submission.identity));
  }
}

function isOpen({ status }: JoinRequest): boolean {
  return status === 'waiting' || status === 'claimed';
}

function toInfo({ submission, users, expiresAtMs, createdAtMs }: Invite): InviteInfo {
  const { id, channel, maxUses, approval } = submission;
  return { id, channel, maxUses, uses: users.size, approval, expiresAtMs, createdAtMs };
}

function toProgress({ id: requestId, status, reason, expiresAtMs }: JoinRequest): JoinProgress {
  return { requestId, status, expiresAtMs, ...(reason !== undefined && { reason }) };
}

function toPending({ id, submission, invite, createdAtMs, status }: JoinRequest): PendingJoin {
  const { identity, keyPackage, proof, inviteId } = submission;
  const { record: inviteRecord, approval } = invite.submission;
  return {
    id,
    identity,
    keyPackage,
    proof,
    inviteId,
    inviteRecord,
    approval,
    createdAtMs,
    status: status === 'claimed' ? 'claimed' : 'waiting',
  };
}
