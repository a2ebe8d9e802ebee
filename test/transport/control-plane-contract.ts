import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChannelName, parseChannelName } from '../../src/base/channel-name.ts';
import type { ControlPlane, InviteSubmission, JoinSubmission } from '../../src/transport/index.ts';

/** A control plane under test, and who uses it. */
export interface ControlPlaneUnderTest {
  /** An account of this name; the same one for the same name. */
  account(name: string): Promise<ControlPlane>;
  /** Channels that somebody was told of, `channel topic` each. */
  readonly announced: readonly string[];
  close(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let numberOfChannels = 0;
const newChannel = (): ChannelName => parseChannelName(`acme/contract/channel-${++numberOfChannels}`);

interface Ticket {
  readonly invite: InviteSubmission;
  readonly redeemKey: Uint8Array;
}

function ticketFor(channel: ChannelName, options: Partial<InviteSubmission> = {}): Ticket {
  const redeemKey = new Uint8Array(randomBytes(32));
  const invite: InviteSubmission = {
    channel,
    id: randomBytes(16).toString('base64url'),
    verifier: new Uint8Array(createHash('sha256').update(redeemKey).digest()),
    record: bytes('a signed record'),
    maxUses: 1,
    ttlSeconds: 3600,
    approval: 'automatic',
    ...options,
  };
  return { invite, redeemKey };
}

function requestWith(
  { invite, redeemKey }: Ticket,
  identity: string,
  more: Partial<JoinSubmission> = {},
): JoinSubmission {
  const { channel, id: inviteId } = invite;
  const keyPackage = bytes(`key package of ${identity}`);
  return { channel, inviteId, redeemKey, identity: bytes(identity), keyPackage, proof: bytes('a proof'), ...more };
}

/** What every control plane does, whoever carries the calls. */
export function controlPlaneContract(open: () => Promise<ControlPlaneUnderTest>): void {
  let plane: ControlPlaneUnderTest;
  let alice: ControlPlane;
  let bob: ControlPlane;
  let channel: ChannelName;

  beforeEach(async () => {
    plane = await open();
    [alice, bob] = [await plane.account('alice'), await plane.account('bob')];
    channel = newChannel();
  });
  afterEach(() => plane.close());

  /** A channel of alice with an invite. */
  async function invited(options: Partial<InviteSubmission> = {}): Promise<Ticket> {
    await alice.createChannel(channel, bytes('alice'));
    const ticket = ticketFor(channel, options);
    await alice.createInvite(ticket.invite);
    return ticket;
  }

  describe('channels', () => {
    it('are registered once, and again by those who are in', async () => {
      const first = await alice.createChannel(channel, bytes('alice'));
      expect(first).toMatchObject({ name: channel, memberCount: 1 });
      expect(await alice.createChannel(channel)).toEqual(first);
    });

    it('belong to the account that was first', async () => {
      await alice.createChannel(channel);
      await expect(bob.createChannel(channel)).rejects.toMatchObject({ code: 'channel_exists', httpStatus: 409 });
    });

    it('are not there for other accounts', async () => {
      const { invite } = await invited();
      for (const attempt of [
        () => bob.createInvite(ticketFor(channel).invite),
        () => bob.listInvites(channel),
        () => bob.revokeInvite(invite.id),
        () => bob.pending(channel),
        () => bob.claim(channel),
        () => bob.removals(channel),
        () => alice.pending(newChannel()),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'not_found' });
      }
    });
  });

  describe('invites', () => {
    it('are listed with how often they were used', async () => {
      const ticket = await invited({ maxUses: 3, approval: 'manual' });
      await bob.requestJoin(requestWith(ticket, 'bob'));
      const [info, ...others] = await alice.listInvites(channel);
      expect(others).toEqual([]);
      expect(info).toMatchObject({ id: ticket.invite.id, channel, maxUses: 3, uses: 1, approval: 'manual' });
      expect((info?.expiresAtMs ?? 0) - (info?.createdAtMs ?? 0)).toBe(3_600_000);
    });

    it.each([
      ['invite_unknown', (ticket: Ticket) => requestWith({ ...ticket, redeemKey: new Uint8Array(32) }, 'bob')],
      ['invite_unknown', () => requestWith(ticketFor(channel), 'bob')],
      ['invite_wrong_channel', (ticket: Ticket) => requestWith(ticket, 'bob', { channel: newChannel() })],
    ])('are refused as %s', async (code, request) => {
      const ticket = await invited();
      await expect(bob.requestJoin(request(ticket))).rejects.toMatchObject({ code });
    });

    it('are refused once they are revoked, and open requests end', async () => {
      const ticket = await invited({ maxUses: 2 });
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      await alice.revokeInvite(ticket.invite.id);
      await expect(bob.requestJoin(requestWith(ticket, 'bob again'))).rejects.toMatchObject({ code: 'invite_revoked' });
      expect(['expired', 'denied', 'cancelled']).toContain((await bob.joinStatus(requestId)).status);
      expect(await alice.pending(channel)).toEqual([]);
    });

    it('are used up by identities, not by requests', async () => {
      const ticket = await invited({ maxUses: 1 });
      await bob.requestJoin(requestWith(ticket, 'bob'));
      const again = await bob.requestJoin(requestWith(ticket, 'bob', { keyPackage: bytes('a fresh one') }));
      await expect(bob.requestJoin(requestWith(ticket, 'carol'))).rejects.toMatchObject({ code: 'invite_exhausted' });
      const [pending, ...others] = await alice.pending(channel);
      expect(others).toEqual([]);
      expect(pending).toMatchObject({ id: again.requestId, keyPackage: bytes('a fresh one') });
    });

    it('keep an identity to the account that used it first', async () => {
      const ticket = await invited({ maxUses: 5 });
      await bob.requestJoin(requestWith(ticket, 'bob'));
      const carol = await plane.account('carol');
      await expect(carol.requestJoin(requestWith(ticket, 'bob'))).rejects.toMatchObject({ code: 'identity_taken' });
    });

    it('get a use back when a request is denied', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      await alice.deny(requestId, 'not you');
      expect(await bob.joinStatus(requestId)).toMatchObject({ status: 'denied', reason: 'not you' });
      expect(await bob.requestJoin(requestWith(ticket, 'carol'))).toMatchObject({ status: 'waiting' });
    });
  });

  describe('requests', () => {
    it('come to the members as they were made, and the members are told', async () => {
      const ticket = await invited();
      const submission = requestWith(ticket, 'bob');
      const before = plane.announced.length;
      const { requestId, status } = await bob.requestJoin(submission);
      expect(status).toBe('waiting');
      expect(plane.announced.slice(before)).toContain(`${channel} join-requests`);
      const { identity, keyPackage, proof, inviteId } = submission;
      const inviteRecord = bytes('a signed record');
      expect(await alice.pending(channel)).toMatchObject([
        {
          id: requestId,
          identity,
          keyPackage,
          proof,
          inviteId,
          inviteRecord,
          approval: 'automatic',
          status: 'waiting',
        },
      ]);
    });

    it('are claimed by one member at a time', async () => {
      const ticket = await invited({ maxUses: 4 });
      for (const name of ['bob', 'carol', 'dave']) await bob.requestJoin(requestWith(ticket, name));
      const [first, second, third] = await Promise.all([
        alice.claim(channel, { limit: 2 }),
        alice.claim(channel, { limit: 2 }),
        alice.claim(channel),
      ]);
      const claimed = [...first, ...second, ...third].map(({ identity }) => new TextDecoder().decode(identity));
      expect(claimed.sort()).toEqual(['bob', 'carol', 'dave']);
    });

    it('that want approval are claimed by name only', async () => {
      const ticket = await invited({ approval: 'manual' });
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      expect(await alice.claim(channel)).toEqual([]);
      expect(await alice.claim(channel, { ids: [requestId] })).toMatchObject([{ id: requestId, status: 'claimed' }]);
    });

    it('wait again when they are given back, and the members are told', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      await alice.claim(channel);
      const before = plane.announced.length;
      await alice.release(requestId);
      expect((await bob.joinStatus(requestId)).status).toBe('waiting');
      expect(plane.announced.slice(before)).toContain(`${channel} join-requests`);
    });

    it('are admitted once and for good, and bring their account into the channel', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      await expect(bob.pending(channel)).rejects.toMatchObject({ code: 'not_found' });
      await alice.claim(channel);
      await alice.admit(requestId, { epoch: 1n, seq: 1 });
      await alice.admit(requestId, { epoch: 1n, seq: 1 });
      expect((await bob.joinStatus(requestId)).status).toBe('admitted');
      expect(await bob.pending(channel)).toEqual([]);
      expect(await bob.requestJoin(requestWith(ticket, 'bob'))).toMatchObject({ status: 'waiting' });
    });

    it('can be taken back', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      await bob.cancelJoin(requestId);
      expect((await bob.joinStatus(requestId)).status).toBe('cancelled');
      expect(await alice.pending(channel)).toEqual([]);
      expect(await bob.requestJoin(requestWith(ticket, 'carol'))).toMatchObject({ status: 'waiting' });
    });

    it('show to their own account only', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      const carol = await plane.account('carol');
      await expect(carol.joinStatus(requestId)).rejects.toMatchObject({ code: 'not_found' });
      await expect(carol.cancelJoin(requestId)).rejects.toMatchObject({ code: 'not_found' });
      await expect(carol.admit(requestId, { epoch: 1n, seq: 1 })).rejects.toMatchObject({ code: 'not_found' });
      await expect(carol.deny(requestId, 'no')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('tell who waits as soon as they stand differently', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      const claimed = bob.joinStatus(requestId, { waitSeconds: 25, since: 'waiting' });
      await alice.claim(channel);
      expect((await claimed).status).toBe('claimed');
      const admitted = bob.joinStatus(requestId, { waitSeconds: 25, since: 'claimed' });
      await alice.admit(requestId, { epoch: 1n, seq: 1 });
      expect((await admitted).status).toBe('admitted');
    });

    it('let go of who waits when the time is up, and when nobody wants to know any more', async () => {
      const ticket = await invited();
      const { requestId } = await bob.requestJoin(requestWith(ticket, 'bob'));
      expect((await bob.joinStatus(requestId, { waitSeconds: 1, since: 'waiting' })).status).toBe('waiting');
      const giveUp = new AbortController();
      const waiting = bob.joinStatus(requestId, { waitSeconds: 25, since: 'waiting', signal: giveUp.signal });
      giveUp.abort(new Error('never mind'));
      await expect(waiting).rejects.toThrow('never mind');
    });
  });

  describe('revocations', () => {
    it('queue a removal in each channel of the identity, and tell how far they are', async () => {
      await alice.createChannel(channel, bytes('mallory'));
      const before = plane.announced.length;
      const identity = bytes('mallory');
      const running = await alice.revoke({
        identity,
        reason: 'credential_compromise',
        requestedBy: bytes('alice'),
        signature: bytes('a signature'),
      });
      expect(running).toMatchObject({ status: 'running', channels: [{ channel, status: 'queued' }] });
      expect(plane.announced.slice(before)).toContain(`${channel} removals`);
      const [removal] = await alice.removals(channel);
      expect(removal).toMatchObject({ identity, requestedBy: bytes('alice'), signature: bytes('a signature') });
      const done = alice.revocation(running.id, { waitSeconds: 25, since: 0 });
      await alice.removalDone(removal?.id ?? '');
      expect(await done).toMatchObject({ status: 'done', channels: [{ channel, status: 'removed' }] });
      expect(await alice.removals(channel)).toEqual([]);
    });
  });

  it('tells what the account has used, and gives it a token', async () => {
    const { messagesRelayed, period } = await alice.usage();
    expect(messagesRelayed).toBe(0);
    expect(period).toMatch(/^\d{4}-\d\d-01$/);
    expect(await alice.token(bytes('alice'))).not.toBe('');
  });
}
