import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/control/database/open-database.ts';
import type { DatabaseChoice } from '../../src/control/index.ts';
import { silentLogger } from '../../src/relay/index.ts';
import { postgresServer, startPostgres } from '../mls/store/servers.ts';
import type { TestServer } from '../mls/store/servers.ts';
import { controlPlaneContract } from './control-plane-contract.ts';
import { newInvite, newJoin } from './support/api.ts';
import { CHANNEL, startPlane } from './support/plane.ts';

describe.runIf(postgresServer !== undefined)('on PostgreSQL', () => {
  let server: TestServer;
  let databases = 0;
  beforeAll(async () => void (server = await startPostgres()));
  afterAll(() => server.stop());

  const url = (name: string): string => `postgres://postgres@127.0.0.1:${server.port}/${name}`;
  const query = async (name: string, text: string): Promise<void> => {
    const client = new Client({ connectionString: url(name) });
    await client.connect();
    await client.query(text);
    await client.end();
  };
  const open = async (): Promise<DatabaseChoice> => {
    const name = `test_${(databases += 1)}`;
    await query('postgres', `CREATE DATABASE ${name}`);
    return { kind: 'postgres', url: url(name), maxConnections: 4 };
  };

  controlPlaneContract(open);

  test('two processes migrate one database, see a revoked key at once, and wake each others waiters', async () => {
    const database = await open();
    const [one, two] = await Promise.all([startPlane({ database }), startPlane({ database })]);
    const alice = await one.account('alice');
    const { id: keyId, key } = (await alice.api.post('/v1/keys')).body as { id: string; key: string };
    expect(await two.api.as(key).get('/v1/accounts/me')).toMatchObject({ status: 200 });

    await alice.api.post('/v1/channels', { name: CHANNEL });
    const invite = newInvite(CHANNEL);
    await alice.api.post('/v1/channels/invites', invite.body);
    const asked = await two.api.as(key).post('/v1/channels/join', newJoin(CHANNEL, invite, 'agent'));
    const { request_id: id } = asked.body as { request_id: string };
    const waits = two.api.as(key).get(`/v1/channels/join/${id}?wait_seconds=25&since=waiting`);
    await alice.api.post(`/v1/channels/pending/${id}/admit`, { epoch: 1, seq: 1 });
    expect((await waits).body).toMatchObject({ status: 'admitted' });

    await alice.api.delete(`/v1/keys/${keyId}`);
    expect(await two.api.as(key).get('/v1/accounts/me')).toMatchObject({ status: 401 });
  });

  test('transactions that meet run again, as if they had come one after the other', async () => {
    const database = await openDatabase(await open(), silentLogger);
    onTestFinished(() => database.close());
    let runs = 0;
    const addOne = (): Promise<unknown> =>
      database.transaction(async (sql) => {
        runs += 1;
        const row = await sql.first<{ version: number }>('SELECT version FROM skytale_control_plane');
        await sql.run('UPDATE skytale_control_plane SET version = ?', (row?.version ?? 0) + 1);
      });
    await Promise.all(Array.from({ length: 8 }, addOne));
    expect(await database.first('SELECT version FROM skytale_control_plane')).toEqual({ version: 9 });
    expect(runs).toBeGreaterThan(8);
  });

  test('a newer schema is refused', async () => {
    const database = await open();
    const { server: plane } = await startPlane({ database });
    await plane.close();
    await query(`test_${databases}`, 'UPDATE skytale_control_plane SET version = 99');
    await expect(startPlane({ database })).rejects.toMatchObject({ code: 'data_dir_version' });
  });

  test('lost connections are answered with 503 at worst, and everything goes on', async () => {
    const database = await open();
    const plane = await startPlane({ database });
    const alice = await plane.account('alice');
    await query(
      'postgres',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test_${databases}'`,
    );
    const statuses: number[] = [];
    while (statuses.at(-1) !== 200) statuses.push((await alice.api.post('/v1/channels', { name: CHANNEL })).status);
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect((await plane.api.get('/health')).body).toEqual({ status: 'ok' });
  });
});
