import { describe, expect, test, vi } from 'vitest';
import { base64, newInvite, newJoin } from './support/api.ts';
import { CHANNEL, startPlane } from './support/plane.ts';

describe('an invite and a join request', () => {
  test('lead from a member to a joiner of another account, and the relay is told', async () => {
    const { account, relay } = await startPlane();
    const alice = await account('alice');
    const bob = await account('bob');

    const made = await alice.api.post('/v1/channels', { name: CHANNEL, identity: base64('alice') });
    expect(made).toMatchObject({ status: 200, body: { name: CHANNEL, member_count: 1, last_message_at: null } });
    const invite = newInvite(CHANNEL);
    expect(await alice.api.post('/v1/channels/invites', invite.body)).toMatchObject({
      status: 200,
      body: { id: invite.id, channel: CHANNEL, max_uses: 1, uses: 0, approval: 'automatic' },
    });

    const asked = await bob.api.post('/v1/channels/join', newJoin(CHANNEL, invite, 'bob'));
    expect(asked).toMatchObject({ status: 202, body: { status: 'waiting' } });
    const { request_id: id } = asked.body as { request_id: string };
    await vi.waitFor(() => expect(relay.notices).toEqual([{ channel: CHANNEL, topic: 'join-requests' }]));

    const pending = {
      id,
      identity: base64('bob'),
      key_package: base64('key package of bob'),
      proof: base64('proof of bob'),
      invite_id: invite.id,
      invite_record: base64('a record'),
      approval: 'automatic',
    };
    expect((await alice.api.get(`/v1/channels/pending?channel=${CHANNEL}`)).body).toMatchObject({
      requests: [{ ...pending, status: 'waiting' }],
    });
    const waits = bob.api.get(`/v1/channels/join/${id}?wait_seconds=25&since=waiting`);
    expect((await alice.api.post('/v1/channels/pending/claim', { channel: CHANNEL })).body).toMatchObject({
      requests: [{ ...pending, status: 'claimed' }],
    });
    expect(await waits).toMatchObject({ status: 200, body: { request_id: id, status: 'claimed' } });

    const admitted = bob.api.get(`/v1/channels/join/${id}?wait_seconds=25&since=claimed`);
    const admit = await alice.api.post(`/v1/channels/pending/${id}/admit`, { epoch: 1, seq: 2 });
    expect(admit).toMatchObject({ status: 200, body: { status: 'admitted' } });
    expect((await admitted).body).toMatchObject({ status: 'admitted' });
    expect((await bob.api.get('/v1/channels')).body).toMatchObject({ channels: [{ name: CHANNEL, member_count: 2 }] });
    expect((await alice.api.get(`/v1/channels/pending?channel=${CHANNEL}`)).body).toEqual({ requests: [] });
  });
});
