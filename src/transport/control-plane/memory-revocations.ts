import { equalBytes } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { ChannelError } from '../../base/errors.ts';
import type { PendingRemoval, RevocationInfo, RevocationSubmission } from './control-plane.ts';

interface Removal extends PendingRemoval {
  readonly channel: ChannelName;
  isDone: boolean;
}

interface Revocation {
  readonly id: string;
  readonly account: string;
  readonly submission: RevocationSubmission;
  readonly createdAtMs: number;
  readonly removals: readonly Removal[];
}

/** Revocations and the removals that follow from them, by the control plane's rules. A model to test against. */
export class MemoryRevocations {
  readonly #revocations = new Map<string, Revocation>();

  /** @param channels where the account knows the identity */
  revoke(
    account: string,
    submission: RevocationSubmission,
    channels: readonly ChannelName[],
    nowMs: number,
    createId: () => string,
  ): RevocationInfo {
    const { identity, requestedBy, signature } = submission;
    const removals = channels.map((channel) => ({
      id: createId(),
      channel,
      identity,
      requestedBy,
      signature,
      createdAtMs: nowMs,
      isDone: false,
    }));
    const revocation = { id: createId(), account, submission, createdAtMs: nowMs, removals };
    this.#revocations.set(revocation.id, revocation);
    return toInfo(revocation);
  }

  info(account: string, id: string): RevocationInfo {
    const revocation = this.#revocations.get(id);
    if (revocation?.account !== account) throw new ChannelError('not_found', 'no such revocation');
    return toInfo(revocation);
  }

  removals(channel: ChannelName): readonly PendingRemoval[] {
    return this.#all()
      .filter((removal) => removal.channel === channel && !removal.isDone)
      .map(({ id, identity, requestedBy, signature, createdAtMs }) => {
        return { id, identity, requestedBy, signature, createdAtMs };
      });
  }

  /** The channel that somebody is to be removed from. */
  channelOf(removalId: string): ChannelName | undefined {
    return this.#all().find(({ id }) => id === removalId)?.channel;
  }

  done(removalId: string): void {
    const wanted = this.#all().find(({ id }) => id === removalId);
    if (wanted === undefined) throw new ChannelError('not_found', 'no such removal');
    for (const removal of this.#all()) {
      if (removal.channel === wanted.channel && equalBytes(removal.identity, wanted.identity)) removal.isDone = true;
    }
  }

  #all(): Removal[] {
    return [...this.#revocations.values()].flatMap(({ removals }) => removals);
  }
}

function toInfo({ id, submission, createdAtMs, removals }: Revocation): RevocationInfo {
  return {
    id,
    identity: submission.identity,
    reason: submission.reason,
    status: removals.every(({ isDone }) => isDone) ? 'done' : 'running',
    // The model has no keys, and does not know who has made an invite.
    keysRevoked: 0,
    keysShared: 0,
    invitesRevoked: 0,
    channels: removals.map(({ channel, isDone }) => ({ channel, status: isDone ? 'removed' : 'queued' })),
    createdAtMs,
  };
}
