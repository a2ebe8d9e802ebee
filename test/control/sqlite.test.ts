import Libsql from 'libsql';
import { describe, expect, test } from 'vitest';
import { startControlPlane } from '../../src/control/index.ts';
import { controlPlaneContract } from './control-plane-contract.ts';
import { FakeRelay } from './support/fake-relay.ts';
import { SECRET, startPlane, temporaryFile } from './support/plane.ts';

describe('on SQLite', () => {
  controlPlaneContract(async () => ({ kind: 'sqlite', path: ':memory:' }));

  const start = (path: string): Promise<unknown> =>
    startControlPlane({
      port: 0,
      database: { kind: 'sqlite', path },
      jwtSecrets: [{ secret: SECRET }],
      relay: new FakeRelay(),
    });

  test('everything is there after a restart, and no key in any readable form', async () => {
    const path = await temporaryFile();
    const first = await startPlane({ database: { kind: 'sqlite', path } });
    const { key, id } = await first.account('alice');
    await first.api.as(key).post('/v1/tokens');
    await first.server.close();
    const file = new Libsql(path);
    const rows = JSON.stringify(file.prepare('SELECT * FROM api_keys').all([]));
    expect(file.prepare('SELECT token_exchanges FROM usage_months').all([])).toEqual([{ token_exchanges: 1 }]);
    file.close();
    expect(rows).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(rows).not.toContain(key.slice(24));

    const second = await startPlane({ database: { kind: 'sqlite', path } });
    expect(await second.api.as(key).get('/v1/accounts/me')).toMatchObject({ status: 200, body: { id } });
  });

  test('a second process, a newer schema and a foreign file are refused', async () => {
    const path = await temporaryFile();
    const { server } = await startPlane({ database: { kind: 'sqlite', path } });
    await expect(start(path)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await server.close();

    const file = new Libsql(path);
    file.exec('UPDATE skytale_control_plane SET version = 99');
    file.close();
    await expect(start(path)).rejects.toMatchObject({ code: 'data_dir_version' });

    const foreign = await temporaryFile();
    const other = new Libsql(foreign);
    other.exec('CREATE TABLE accounts (id INTEGER)');
    other.close();
    await expect(start(foreign)).rejects.toMatchObject({ code: 'store_damaged' });
  });
});
