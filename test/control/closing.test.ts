import { expect, test, vi } from 'vitest';
import { newInvite, newJoin } from './support/api.ts';
import { CHANNEL, startPlane } from './support/plane.ts';
import type { Plane, TestAccount } from './support/plane.ts';

async function waiting(plane: Plane, account: TestAccount): Promise<string> {
  await account.api.post('/v1/channels', { name: CHANNEL });
  const invite = newInvite(CHANNEL);
  await account.api.post('/v1/channels/invites', invite.body);
  const { body } = await account.api.post('/v1/channels/join', newJoin(CHANNEL, invite, 'agent'));
  await vi.waitFor(() => expect(plane.relay.notices).toHaveLength(1));
  return `/v1/channels/join/${(body as { request_id: string }).request_id}?wait_seconds=25&since=waiting`;
}

test('a server that closes answers who waits with what holds, and takes nobody more', async () => {
  const plane = await startPlane();
  const alice = await plane.account('alice');
  const path = await waiting(plane, alice);
  const waits = alice.api.get(path);
  await alice.api.get('/v1/keys'); // behind the wait, on its own connection
  await plane.server.close();
  expect(await waits).toMatchObject({ status: 200, body: { status: 'waiting' } });
  await expect(alice.api.get('/v1/keys')).rejects.toThrow();
});

test('who goes away while waiting gives its place to others', async () => {
  const plane = await startPlane({ limits: { maxLongPolls: 1 } });
  const alice = await plane.account('alice');
  const path = await waiting(plane, alice);
  // Of two that come together either may be the first.
  const polls = [1, 2].map(() => {
    const leaving = new AbortController();
    return { leaving, answer: alice.api.get(path, leaving.signal) };
  });
  for (const { answer } of polls) answer.catch(() => undefined); // one is aborted below
  const [refusedPoll, refusal] = await Promise.race(polls.map(async (poll) => [poll, await poll.answer] as const));
  expect(refusal).toMatchObject({ status: 429, body: { code: 'too_many_waits' } });
  const holder = polls.find((poll) => poll !== refusedPoll);
  holder?.leaving.abort();
  await expect(holder?.answer).rejects.toThrow();
  await vi.waitFor(
    async () =>
      expect(await alice.api.get(path.replace('wait_seconds=25', 'wait_seconds=1'))).toMatchObject({ status: 200 }),
    {
      timeout: 10_000,
    },
  );
});
