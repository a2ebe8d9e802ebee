import { expect, test } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { base64, newInvite, newJoin } from './support/api.ts';
import type { Api } from './support/api.ts';
import { CHANNEL, startPlane } from './support/plane.ts';

/** Who asks, and what each of them is to be answered; the last two are 401 everywhere. */
type Expected = readonly [owner: number, member: number, joiner: number, stranger: number];

test(
  'each endpoint, asked by owner, member, joiner, stranger, on a revoked key and on an expired token',
  { timeout: 120_000 },
  async () => {
    const clock = new ManualClock();
    const plane = await startPlane({ clock });
    const [owner, member, joiner, stranger] = [
      await plane.account('owner'),
      await plane.account('member'),
      await plane.account('joiner'),
      await plane.account('stranger'),
    ];
    const { token: expired } = (await owner.api.post('/v1/tokens')).body as { token: string };
    clock.advance(3_700_000);
    const { id: revokedId, key: revoked } = (await owner.api.post('/v1/keys')).body as { id: string; key: string };
    await owner.api.delete(`/v1/keys/${revokedId}`);

    const { id: channel } = (await owner.api.post('/v1/channels', { name: CHANNEL, identity: base64('owner') }))
      .body as {
      id: string;
    };
    const { id: key } = (await owner.api.post('/v1/keys')).body as { id: string };
    const invite = newInvite(CHANNEL, { max_uses: 100 });
    await owner.api.post('/v1/channels/invites', invite.body);
    const ask = async (api: Api, identity: string): Promise<string> => {
      const { body } = await api.post('/v1/channels/join', newJoin(CHANNEL, invite, identity));
      return (body as { request_id: string }).request_id;
    };
    const admitted = await ask(member.api, 'member');
    await owner.api.post(`/v1/channels/pending/${admitted}/admit`, { epoch: 1, seq: 1 });
    const waiting = await ask(joiner.api, 'joiner');
    const { id: revocation } = (
      await owner.api.post('/v1/revocations', { identity: base64('owner'), reason: 'key_rotation' })
    ).body as { id: string };
    const { removals } = (await owner.api.get(`/v1/channels/removals?channel=${CHANNEL}`)).body as {
      removals: { id: string }[];
    };
    const query = `?channel=${CHANNEL}`;

    const all: readonly [string, string, unknown, Expected][] = [
      ['GET', '/v1/accounts/me', undefined, [200, 200, 200, 200]],
      ['GET', '/v1/keys', undefined, [200, 200, 200, 200]],
      ['POST', '/v1/tokens', undefined, [200, 200, 200, 200]],
      ['GET', '/v1/usage', undefined, [200, 200, 200, 200]],
      ['GET', '/v1/billing', undefined, [200, 200, 200, 200]],
      ['POST', '/v1/billing/portal', undefined, [200, 200, 200, 200]],
      ['POST', '/v1/channels', { name: CHANNEL }, [200, 200, 409, 409]],
      ['GET', `/v1/channels/${channel}`, undefined, [200, 200, 404, 404]],
      ['POST', '/v1/channels/invites', 'a fresh invite', [200, 200, 404, 404]],
      ['GET', `/v1/channels/invites${query}`, undefined, [200, 200, 404, 404]],
      ['GET', `/v1/channels/join/${waiting}`, undefined, [404, 404, 200, 404]],
      ['GET', `/v1/channels/pending${query}`, undefined, [200, 200, 404, 404]],
      ['POST', '/v1/channels/pending/claim', { channel: CHANNEL }, [200, 200, 404, 404]],
      ['POST', `/v1/channels/pending/${waiting}/release`, undefined, [200, 200, 404, 404]],
      ['POST', `/v1/channels/pending/${waiting}/deny`, { reason: '' }, [200, 200, 404, 404]],
      ['POST', `/v1/channels/pending/${waiting}/admit`, { epoch: 1, seq: 2 }, [200, 200, 404, 404]],
      ['GET', `/v1/channels/removals${query}`, undefined, [200, 200, 200, 404]], // the joiner is in by now
      ['GET', `/v1/revocations/${revocation}`, undefined, [200, 404, 404, 404]],
      ['GET', '/v1/revocations', undefined, [200, 200, 200, 200]],
      ['POST', `/v1/channels/removals/${removals[0]!.id}/done`, undefined, [200, 200, 200, 404]],
      ['POST', '/v1/keys', { name: 'mine' }, [200, 200, 200, 200]],
      ['POST', '/v1/billing/checkout', { tier: 'pro' }, [200, 200, 200, 200]],
      ['POST', '/v1/revocations', { identity: base64('nobody'), reason: 'other' }, [200, 200, 200, 200]],
    ];
    for (const [method, path, body, [ofOwner, ofMember, ofJoiner, ofStranger]] of all) {
      const callers: readonly [string, number][] = [
        [revoked, 401],
        [expired, 401],
        [stranger.key, ofStranger],
        [joiner.key, ofJoiner],
        [member.key, ofMember],
        [owner.key, ofOwner],
      ];
      for (const [credential, expected] of callers) {
        const sent = body === 'a fresh invite' ? newInvite(CHANNEL).body : body;
        const answer = await plane.api.as(credential).send(method, path, sent);
        expect([method, path, answer.status]).toEqual([method, path, expected]);
      }
    }

    // What ends the object that it names, from those who may not to the one who may.
    const deleting: readonly [string, readonly [string, number][]][] = [
      [
        `/v1/keys/${key}`,
        [
          [stranger.key, 404],
          [member.key, 404],
          [owner.key, 204],
        ],
      ],
      [
        `/v1/channels/invites/${invite.id}`,
        [
          [stranger.key, 404],
          [member.key, 403],
          [owner.key, 204],
        ],
      ],
      [
        `/v1/channels/join/${waiting}`,
        [
          [owner.key, 404],
          [stranger.key, 404],
          [joiner.key, 204],
        ],
      ],
    ];
    for (const [path, callers] of deleting) {
      for (const [credential, expected] of [[revoked, 401], [expired, 401], ...callers] as [string, number][]) {
        const answer = await plane.api.as(credential).delete(path);
        expect([path, answer.status]).toEqual([path, expected]);
      }
    }
  },
);
