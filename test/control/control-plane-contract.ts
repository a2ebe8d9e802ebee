import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { DatabaseChoice } from '../../src/control/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { base64, newInvite, newJoin } from './support/api.ts';
import type { Answer, TestInvite } from './support/api.ts';
import { CHANNEL, startPlane } from './support/plane.ts';
import type { Plane, TestAccount } from './support/plane.ts';

/** What a control plane does on either database; `open` gives an empty one for each test. */
export function controlPlaneContract(open: () => Promise<DatabaseChoice>): void {
  let clock: ManualClock;
  let plane: Plane;
  let alice: TestAccount;
  let bob: TestAccount;
  beforeEach(async () => {
    clock = new ManualClock();
    plane = await startPlane({ database: await open(), clock });
    alice = await plane.account('alice');
    bob = await plane.account('bob');
  });

  /** A channel of alice's, with an invite. */
  async function invited(more: object = {}): Promise<TestInvite> {
    await alice.api.post('/v1/channels', { name: CHANNEL, identity: base64('alice') });
    const invite = newInvite(CHANNEL, more);
    expect(await alice.api.post('/v1/channels/invites', invite.body)).toMatchObject({ status: 200 });
    return invite;
  }
  const ask = (account: TestAccount, invite: TestInvite, identity: string, more: object = {}): Promise<Answer> =>
    account.api.post('/v1/channels/join', newJoin(CHANNEL, invite, identity, more));
  const idOf = ({ body }: Answer): string => (body as { request_id: string }).request_id;
  const statusOf = async (account: TestAccount, id: string): Promise<unknown> =>
    ((await account.api.get(`/v1/channels/join/${id}`)).body as { status: unknown }).status;
  const claim = async (more: object = {}): Promise<string[]> => {
    const { body } = await alice.api.post('/v1/channels/pending/claim', { channel: CHANNEL, ...more });
    return (body as { requests: { id: string }[] }).requests.map(({ id }) => id);
  };
  const admit = (id: string): Promise<Answer> =>
    alice.api.post(`/v1/channels/pending/${id}/admit`, { epoch: 1, seq: 2 });
  const usesOf = async (): Promise<unknown> => {
    const { body } = await alice.api.get(`/v1/channels/invites?channel=${CHANNEL}`);
    return (body as { invites: { uses: number }[] }).invites[0]?.uses;
  };

  describe('accounts and keys', () => {
    test('an account is told its key once, and is found by it', async () => {
      expect(alice.key).toMatch(/^sk_live_[0-9a-f]{16}[\w-]{43}$/);
      const me = { id: alice.id, email: 'alice@example.org', name: 'alice', plan_tier: 'free' };
      expect(await alice.api.get('/v1/accounts/me')).toMatchObject({ status: 200, body: me });
    });

    test('one email has one account, in whatever case it is written', async () => {
      const again = await plane.api.post('/v1/accounts', { email: 'ALICE@example.org' });
      expect(again).toMatchObject({ status: 409, body: { code: 'email_taken' } });
    });

    test('keys are listed newest first, without what is secret, and not when they are revoked', async () => {
      clock.advance(1);
      const made = await alice.api.post('/v1/keys', { name: 'second' });
      const { id, key } = made.body as { id: string; key: string };
      expect(made).toMatchObject({ status: 200, body: { name: 'second', key_prefix: key.slice(0, 12) } });
      const listed = (await alice.api.get('/v1/keys')).body as { keys: { id: string; last_used_at: string | null }[] };
      expect(listed.keys).toMatchObject([
        { id, name: 'second', key_prefix: key.slice(0, 12), last_used_at: null },
        { name: 'default', last_used_at: new Date(clock.now()).toISOString() },
      ]);
      expect(JSON.stringify(listed)).not.toContain(key.slice(12));

      expect(await alice.api.delete(`/v1/keys/${id}`)).toMatchObject({ status: 204, body: undefined });
      expect(await alice.api.delete(`/v1/keys/${id}`)).toMatchObject({ status: 404, body: { error: 'Not found' } });
      expect((await alice.api.get('/v1/keys')).body).toMatchObject({ keys: [{ name: 'default' }] });
    });

    test('a key is dead at once when it is revoked, with its tokens, and relays are told', async () => {
      const { id, key } = (await alice.api.post('/v1/keys')).body as { id: string; key: string };
      const { token } = (await alice.api.as(key).post('/v1/tokens')).body as { token: string };
      await alice.api.delete(`/v1/keys/${id}`);

      for (const credential of [key, token]) {
        expect(await alice.api.as(credential).get('/v1/accounts/me')).toMatchObject({ status: 401 });
      }
      await vi.waitFor(() =>
        expect(plane.relay.withdrawals.at(-1)).toEqual([{ keyId: id, untilMs: clock.now() + 3_660_000 }]),
      );
    });

    test('relays are told all withdrawn keys again after 30 s, until their tokens have expired', async () => {
      const { id } = (await alice.api.post('/v1/keys')).body as { id: string };
      await alice.api.delete(`/v1/keys/${id}`);
      await vi.waitFor(() => expect(plane.relay.withdrawals.at(-1)).toMatchObject([{ keyId: id }]));
      const count = plane.relay.withdrawals.length;
      await vi.waitFor(() => {
        clock.advance(30_000);
        expect(plane.relay.withdrawals.length).toBeGreaterThan(count);
      });
      expect(plane.relay.withdrawals.at(-1)).toMatchObject([{ keyId: id }]);
      clock.advance(3_700_000);
      await vi.waitFor(() => {
        clock.advance(30_000);
        expect(plane.relay.withdrawals.at(-1)).toEqual([]);
      });
    });
  });

  describe('tokens, plans and usage', () => {
    test('a token carries account, plan and key, and holds for an hour', async () => {
      const { token } = (await alice.api.post('/v1/tokens')).body as { token: string };
      const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
      expect(claims).toMatchObject({ sub: alice.id, iss: 'skytale-api', plan: 'free', iat: 1000, exp: 4600 });
      expect(claims['key_id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(await alice.api.as(token).post('/v1/tokens')).toMatchObject({ status: 200 });
      clock.advance(3_600_000 + 31_000);
      expect(await alice.api.as(token).get('/v1/accounts/me')).toMatchObject({ status: 401 });
    });

    test('an upgrade is in the next token, renews by the month, and ends with its period when it is cancelled', async () => {
      const billing = async (): Promise<unknown> => (await alice.api.get('/v1/billing')).body;
      const free = { plan: 'free', status: 'active', current_period_end: null, cancel_at_period_end: false };
      expect(await billing()).toEqual(free);
      const checkout = await alice.api.post('/v1/billing/checkout', { tier: 'pro' });
      expect(checkout.body).toEqual({ checkout_url: `${plane.server.endpoint}/billing` });
      const pro = { plan: 'pro', status: 'active', cancel_at_period_end: false };
      expect(await billing()).toEqual({ ...pro, current_period_end: '1970-02-01T00:16:40.000Z' });
      const { token } = (await alice.api.post('/v1/tokens')).body as { token: string };
      expect(Buffer.from(token.split('.')[1]!, 'base64url').toString()).toContain('"plan":"pro"');

      clock.advance(40 * 24 * 3_600_000);
      expect(await billing()).toMatchObject({ ...pro, current_period_end: '1970-03-01T00:16:40.000Z' });
      await alice.api.post('/v1/billing/checkout', { tier: 'free' });
      expect(await billing()).toMatchObject({ plan: 'pro', cancel_at_period_end: true });
      clock.advance(20 * 24 * 3_600_000);
      expect(await billing()).toEqual(free);
      expect((await alice.api.get('/v1/accounts/me')).body).toMatchObject({ plan_tier: 'free' });
    });

    test('usage tells exchanges, messages and the limit of the plan', async () => {
      plane.relay.messages.set(alice.id, 42);
      await alice.api.post('/v1/tokens');
      await alice.api.post('/v1/tokens');
      expect((await alice.api.get('/v1/usage')).body).toEqual({
        account_id: alice.id,
        period: '1970-01-01',
        token_exchanges: 2,
        messages_relayed: 42,
        plan_tier: 'free',
        limits: { messages_per_month: 100_000 },
      });
      await alice.api.post('/v1/billing/checkout', { tier: 'enterprise' });
      expect((await alice.api.get('/v1/usage')).body).toMatchObject({ limits: { messages_per_month: null } });
      plane.relay.failure = new Error('gone');
      expect(await alice.api.get('/v1/usage')).toMatchObject({ status: 503, body: { code: 'relay_unavailable' } });
    });
  });

  describe('joining', () => {
    test('leads from a member to a joiner of another account, and the relay is told', async () => {
      const invite = await invited();
      const asked = await ask(bob, invite, 'bob');
      expect(asked).toMatchObject({ status: 202, body: { status: 'waiting' } });
      const id = idOf(asked);
      await vi.waitFor(() => expect(plane.relay.notices).toEqual([{ channel: CHANNEL, topic: 'join-requests' }]));

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
      expect(await claim()).toEqual([id]);
      expect(await waits).toMatchObject({ status: 200, body: { request_id: id, status: 'claimed' } });
      const admitted = bob.api.get(`/v1/channels/join/${id}?wait_seconds=25&since=claimed`);
      expect(await admit(id)).toMatchObject({ status: 200, body: { status: 'admitted' } });
      expect(await admit(id)).toMatchObject({ status: 200, body: { status: 'admitted' } });
      expect((await admitted).body).toMatchObject({ status: 'admitted' });
      expect((await bob.api.get('/v1/channels')).body).toMatchObject({
        channels: [{ name: CHANNEL, member_count: 2 }],
      });
      expect((await alice.api.get(`/v1/channels/pending?channel=${CHANNEL}`)).body).toEqual({ requests: [] });
    });

    test('refuses what is not invited, each in its own words', async () => {
      const invite = await invited();
      const wrong: [object, number, string][] = [
        [{ invite_id: 'AAAAAAAAAAAAAAAAAAAAAA' }, 404, 'invite_unknown'],
        [{ redeem_key: base64(new Uint8Array(32)) }, 404, 'invite_unknown'],
        [{ channel: 'acme/research/other' }, 400, 'invite_wrong_channel'],
      ];
      for (const [more, status, code] of wrong) {
        expect(await ask(bob, invite, 'bob', more)).toMatchObject({ status, body: { code } });
      }
      clock.advance(3_600_000);
      expect(await ask(bob, invite, 'bob')).toMatchObject({ status: 410, body: { code: 'invite_expired' } });
      const second = await invited();
      await alice.api.delete(`/v1/channels/invites/${second.id}`);
      expect(await ask(bob, second, 'bob')).toMatchObject({ status: 410, body: { code: 'invite_revoked' } });
    });

    test('counts an identity once, gives uses of the refused back, and keeps identities to their accounts', async () => {
      const invite = await invited({ max_uses: 1 });
      const first = idOf(await ask(bob, invite, 'bob'));
      expect(await ask(alice, invite, 'bob')).toMatchObject({ status: 409, body: { code: 'identity_taken' } });
      expect(await ask(bob, invite, 'carol')).toMatchObject({ status: 409, body: { code: 'invite_exhausted' } });
      const second = idOf(await ask(bob, invite, 'bob'));
      expect(await statusOf(bob, first)).toBe('cancelled');
      expect(await usesOf()).toBe(1);

      await alice.api.post(`/v1/channels/pending/${second}/deny`, { reason: 'not today' });
      const denied = await bob.api.get(`/v1/channels/join/${second}`);
      expect(denied.body).toMatchObject({ status: 'denied', reason: 'not today' });
      expect(await usesOf()).toBe(0);
      const carol = idOf(await ask(bob, invite, 'carol'));
      await admit(carol);
      expect(await usesOf()).toBe(1);
      // Admitted once, it may come again, and that may be denied without giving the use away.
      const again = idOf(await ask(bob, invite, 'carol'));
      await alice.api.post(`/v1/channels/pending/${again}/deny`, { reason: '' });
      expect(await ask(bob, invite, 'bob')).toMatchObject({ status: 409, body: { code: 'invite_exhausted' } });
    });

    test('never lets more in than an invite allows, however many ask at once', async () => {
      const invite = await invited({ max_uses: 3 });
      const names = Array.from({ length: 12 }, (_, index) => `agent-${index}`);
      const answers = await Promise.all(names.map((name) => ask(bob, invite, name)));
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array<number>(3).fill(202), ...Array<number>(9).fill(409)]);
    });

    test('gives a request to one member at a time, and back when its lease is over', async () => {
      const invite = await invited({ max_uses: 8 });
      const ids: string[] = [];
      for (const name of ['b', 'c', 'd', 'e']) ids.push(idOf(await ask(bob, invite, name)));
      const taken = (await Promise.all([claim({ limit: 3 }), claim({ limit: 3 })])).flat();
      expect(taken.sort()).toEqual([...ids].sort());
      expect(await claim()).toEqual([]);
      await vi.waitFor(() => expect(plane.relay.notices.length).toBeGreaterThan(0));
      const notices = plane.relay.notices.length;
      clock.advance(10_000);
      await vi.waitFor(() => expect(plane.relay.notices.length).toBeGreaterThan(notices));
      expect(await statusOf(bob, ids[0]!)).toBe('waiting');
      expect((await claim({ limit: 8 })).sort()).toEqual([...ids].sort());
    });

    test('leaves what somebody is to decide on to those who ask for it by its id', async () => {
      const invite = await invited({ approval: 'manual' });
      const id = idOf(await ask(bob, invite, 'bob'));
      expect(await claim()).toEqual([]);
      expect(await claim({ ids: [id] })).toEqual([id]);
      expect(await alice.api.post(`/v1/channels/pending/${id}/release`)).toMatchObject({ body: { status: 'waiting' } });
      expect(await claim({ ids: [id] })).toEqual([id]);
    });

    test('ends requests with their invite, tells who waits, and takes a late admission for the fact that it is', async () => {
      const invite = await invited({ ttl_seconds: 60 });
      const id = idOf(await ask(bob, invite, 'bob'));
      const waits = bob.api.get(`/v1/channels/join/${id}?wait_seconds=25&since=waiting`);
      clock.advance(60_000);
      expect((await waits).body).toMatchObject({ status: 'expired' });
      expect(await alice.api.post(`/v1/channels/pending/${id}/release`)).toMatchObject({
        status: 409,
        body: { code: 'request_closed' },
      });
      expect(await admit(id)).toMatchObject({ status: 200 });
      expect(await statusOf(bob, id)).toBe('admitted');
    });

    test('takes a request back when the joiner cancels it or the invite is revoked', async () => {
      const invite = await invited({ max_uses: 2 });
      const first = idOf(await ask(bob, invite, 'bob'));
      const second = idOf(await ask(bob, invite, 'carol'));
      expect(await bob.api.delete(`/v1/channels/join/${first}`)).toMatchObject({ status: 204 });
      expect(await statusOf(bob, first)).toBe('cancelled');
      expect(await usesOf()).toBe(1);
      await alice.api.delete(`/v1/channels/invites/${invite.id}`);
      expect((await bob.api.get(`/v1/channels/join/${second}`)).body).toMatchObject({
        status: 'denied',
        reason: 'the invite was revoked',
      });
    });
  });

  describe('revocation of an agent', () => {
    test('ends its own key and leaves the shared one, and goes on until members have removed it', async () => {
      await invited();
      const own = (await alice.api.post('/v1/keys')).body as { id: string; key: string };
      const shared = (await alice.api.post('/v1/keys')).body as { id: string; key: string };
      await alice.api.as(own.key).post('/v1/tokens', { identity: base64('agent') });
      for (const name of ['agent', 'other'])
        await alice.api.as(shared.key).post('/v1/tokens', { identity: base64(name) });
      await alice.api.as(own.key).post('/v1/channels', { name: CHANNEL, identity: base64('agent') });
      const made = newInvite(CHANNEL);
      await alice.api.as(own.key).post('/v1/channels/invites', made.body);

      const asked = { identity: base64('agent'), reason: 'credential_compromise', requested_by: base64('alice') };
      const revoked = await alice.api.post('/v1/revocations', { ...asked, signature: base64('signed') });
      expect(revoked).toMatchObject({
        status: 200,
        body: {
          identity: base64('agent'),
          status: 'running',
          keys_revoked: 1,
          keys_shared: [shared.id],
          invites_revoked: 1,
          channels: [{ channel: CHANNEL, status: 'queued' }],
        },
      });
      expect(await alice.api.as(own.key).post('/v1/tokens')).toMatchObject({ status: 401 });
      expect(await alice.api.as(shared.key).post('/v1/tokens')).toMatchObject({ status: 200 });
      expect(await ask(bob, made, 'bob')).toMatchObject({ body: { code: 'invite_revoked' } });
      await vi.waitFor(() => expect(plane.relay.notices.at(-1)).toEqual({ channel: CHANNEL, topic: 'removals' }));
      await vi.waitFor(() => expect(plane.relay.withdrawals.at(-1)).toMatchObject([{ keyId: own.id }]));

      const { id } = revoked.body as { id: string };
      const open = (await alice.api.get(`/v1/channels/removals?channel=${CHANNEL}`)).body as {
        removals: { id: string }[];
      };
      expect(open.removals).toMatchObject([
        { identity: base64('agent'), requested_by: base64('alice'), signature: base64('signed') },
      ]);
      const again = await alice.api.post('/v1/revocations', asked);
      expect(again.body).toMatchObject({ id, keys_revoked: 1 });
      const waits = alice.api.get(`/v1/revocations/${id}?wait_seconds=25&since=0`);
      expect(await alice.api.post(`/v1/channels/removals/${open.removals[0]!.id}/done`)).toMatchObject({ status: 200 });
      expect((await waits).body).toMatchObject({ status: 'done', channels: [{ status: 'removed' }] });
      expect((await alice.api.get('/v1/revocations')).body).toMatchObject({ revocations: [{ id, status: 'done' }] });
      expect(plane.relay.expulsions).toEqual([]);
    });

    test('takes the account of another owner out of the channel when its last agent there is removed', async () => {
      const invite = await invited();
      await admit(idOf(await ask(bob, invite, 'bob')));
      expect((await bob.api.get('/v1/channels')).body).toMatchObject({ channels: [{ name: CHANNEL }] });
      await alice.api.post('/v1/revocations', { identity: base64('bob'), reason: 'policy_violation' });
      const { removals } = (await alice.api.get(`/v1/channels/removals?channel=${CHANNEL}`)).body as {
        removals: { id: string }[];
      };
      await alice.api.post(`/v1/channels/removals/${removals[0]!.id}/done`);
      expect(plane.relay.expulsions).toEqual([{ channel: CHANNEL, account: bob.id }]);
      expect((await bob.api.get('/v1/channels')).body).toEqual({ channels: [] });
      expect(await bob.api.post('/v1/accounts/me')).toMatchObject({ status: 404 });
    });
  });
}
