import type { Answer } from './answer.ts';
import type {
  AccountUsage,
  ChannelInfo,
  InviteInfo,
  JoinProgress,
  PendingJoin,
  PendingRemoval,
  RevocationInfo,
} from './control-plane.ts';

/** Largest fields that are read, in bytes: those that the control plane takes. */
const MAX_IDENTITY = 1024;
const MAX_KEY_PACKAGE = 16 * 1024;
const MAX_PROOF = 4 * 1024;
const MAX_RECORD = 8 * 1024;
const MAX_SIGNATURE = 4 * 1024;
/** Channels of one revocation. */
const MAX_CHANNELS = 100_000;

const APPROVALS = ['automatic', 'manual'] as const;
const STATUSES = ['waiting', 'claimed', 'admitted', 'denied', 'expired', 'cancelled'] as const;

export function readChannel(answer: Answer): ChannelInfo {
  return {
    id: answer.text('id'),
    name: answer.text('name'),
    memberCount: answer.count('member_count'),
    createdAtMs: answer.time('created_at'),
  };
}

export function readInvite(answer: Answer): InviteInfo {
  return {
    id: answer.text('id'),
    channel: answer.text('channel'),
    maxUses: answer.count('max_uses'),
    uses: answer.count('uses'),
    approval: answer.word('approval', APPROVALS),
    expiresAtMs: answer.time('expires_at'),
    createdAtMs: answer.time('created_at'),
  };
}

export function readProgress(answer: Answer): JoinProgress {
  const reason = answer.textIfAny('reason');
  return {
    requestId: answer.text('request_id'),
    status: answer.word('status', STATUSES),
    expiresAtMs: answer.time('expires_at'),
    ...(reason !== undefined && { reason }),
  };
}

export function readPending(answer: Answer): PendingJoin {
  return {
    id: answer.text('id'),
    identity: answer.bytes('identity', MAX_IDENTITY),
    keyPackage: answer.bytes('key_package', MAX_KEY_PACKAGE),
    proof: answer.bytes('proof', MAX_PROOF),
    inviteId: answer.text('invite_id'),
    inviteRecord: answer.bytes('invite_record', MAX_RECORD),
    approval: answer.word('approval', APPROVALS),
    createdAtMs: answer.time('created_at'),
    status: answer.word('status', ['waiting', 'claimed']),
  };
}

export function readRevocation(answer: Answer): RevocationInfo {
  return {
    id: answer.text('id'),
    identity: answer.bytes('identity', MAX_IDENTITY),
    reason: answer.text('reason'),
    status: answer.word('status', ['running', 'done']),
    keysRevoked: answer.howMany('keys_revoked'),
    keysShared: answer.howMany('keys_shared'),
    invitesRevoked: answer.howMany('invites_revoked'),
    channels: answer.list('channels', MAX_CHANNELS, (item) => ({
      channel: item.text('channel'),
      status: item.word('status', ['queued', 'removed']),
    })),
    createdAtMs: answer.time('created_at'),
  };
}

export function readRemoval(answer: Answer): PendingRemoval {
  return {
    id: answer.text('id'),
    identity: answer.bytes('identity', MAX_IDENTITY),
    requestedBy: answer.bytes('requested_by', MAX_IDENTITY),
    signature: answer.bytes('signature', MAX_SIGNATURE),
    createdAtMs: answer.time('created_at'),
  };
}

export function readUsage(answer: Answer): AccountUsage {
  return {
    accountId: answer.text('account_id'),
    period: answer.text('period'),
    tokenExchanges: answer.count('token_exchanges'),
    messagesRelayed: answer.count('messages_relayed'),
    plan: answer.text('plan_tier'),
    messagesPerMonth: answer.inside('limits').limit('messages_per_month'),
  };
}
