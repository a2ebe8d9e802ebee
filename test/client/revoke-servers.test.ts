import { join } from 'node:path';
import { filter, firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { localRelay, startControlPlane } from '../../src/control/index.ts';
import { SkytaleChannelManager } from '../../src/index.ts';
import { startTestRelay } from '../relay/support/relay.ts';
import { temporaryDirectory } from '../relay/support/temp-dir.ts';
import { CHANNEL } from '../support/swarm.ts';

it('ends key, connection and membership of an agent, on a real relay and a real control plane', async () => {
  const home = await temporaryDirectory();
  const secret = { secret: 'a secret of more than thirty-two bytes' };
  const relay = await startTestRelay({ dataDir: join(home, 'relay'), auth: { secrets: [secret] } });
  const controlPlane = await startControlPlane({
    port: 0,
    database: { kind: 'sqlite', path: ':memory:' },
    jwtSecrets: [secret],
    relay: localRelay(relay),
  });
  onTestFinished(() => controlPlane.close());
  const post = async (path: string, body: unknown, key?: string): Promise<Record<string, string>> => {
    const response = await fetch(`${controlPlane.endpoint}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, string>;
  };
  const { api_key: account } = await post('/v1/accounts', { email: 'owner@example.com' });
  const manager = async (identity: string): Promise<SkytaleChannelManager> => {
    const { key = '' } = await post('/v1/keys', { name: identity }, account);
    const options = { endpoint: relay.endpoint, apiKey: key, apiUrl: controlPlane.endpoint };
    const made = new SkytaleChannelManager({
      identity,
      dataDir: join(home, identity),
      warn: () => undefined,
      ...options,
    });
    onTestFinished(() => made.close());
    return made;
  };
  const [owner, mallory] = [await manager('owner'), await manager('mallory')];
  await owner.create(CHANNEL);
  await mallory.joinWithToken(CHANNEL, await owner.invite(CHANNEL));
  await owner.send(CHANNEL, 'before');
  expect(await mallory.receive(CHANNEL, { timeoutMs: 15_000 })).toEqual(['before']);
  const { status$ } = await mallory.channel$(CHANNEL);
  const cutOff = firstValueFrom(status$.pipe(filter((status) => status !== 'live')));

  const steps = await lastValueFrom(owner.revoke('mallory', { reason: 'credential_compromise' }).pipe(toArray()));
  await cutOff;

  expect(steps.map(({ kind }) => kind).sort()).toEqual(['credentials-void', 'done', 'removed']);
  expect(steps.at(-1)).toMatchObject({ receipt: { keysRevoked: 1, keysShared: 0, removed: [CHANNEL], queued: [] } });
  await owner.send(CHANNEL, 'after');
  const heard = await mallory.receive(CHANNEL, { timeoutMs: 500 }).catch((error: unknown) => error);
  expect(heard).not.toContain('after');
  await expect(mallory.invite(CHANNEL)).rejects.toMatchObject({ code: 'auth_failed' });
});
