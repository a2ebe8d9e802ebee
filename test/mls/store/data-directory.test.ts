import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DirectoryLock } from '../../../src/mls/store/directory-lock.ts';
import { openDataDirectory } from '../../../src/mls/store/index.ts';
import type { DataDirectory, DataDirectoryOptions } from '../../../src/mls/store/index.ts';
import { loadKeyvSqlite } from '../../../src/mls/store/keyv-sqlite.ts';
import type { KeyvSqlite } from '../../../src/mls/store/keyv-sqlite.ts';
import { STORE_FORMAT } from '../../../src/mls/store/record-envelope.ts';
import { bytesOf, channel, emptyRecord, fakeCodec, fakeGroup, recordAt, step } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { copyOf, holds, plunder } from './plunder.ts';
import { hasSqlite, NAMESPACE, sqliteStore, temporaryDirectory } from './stores.ts';

const hasModes = process.platform !== 'win32';

async function open(path: string, options: Partial<DataDirectoryOptions> = {}): Promise<DataDirectory> {
  const directory = await openDataDirectory(path, { codec: fakeCodec, clock: new ManualClock(), ...options });
  onTestFinished(() => directory.store.close());
  return directory;
}

/** Whether somebody with a copy of the directory can find `secret`. */
const canFind = async (path: string, secret: Uint8Array): Promise<boolean> =>
  holds(await plunder(copyOf(path)), secret);

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe.runIf(hasSqlite)('a data directory', () => {
  test('is made when it is not there, with all that leads to it, and keeps what was saved', async () => {
    const path = join(temporaryDirectory(), 'a', 'b');
    const first = await open(path);
    expect(first.path).toBe(path);
    expect(first.warnings).toEqual([]);
    await first.store.saveChannel(recordAt(9));
    await first.store.close();
    expect(await (await open(path)).store.loadChannel(channel)).toEqual(recordAt(9));
  });

  test('commits through a write-ahead log with full synchronisation and erases what it deletes', async () => {
    const settings: Record<string, unknown> = {};
    const Real = loadKeyvSqlite();
    const connections: KeyvSqlite[] = [];
    class Watched extends Real {
      constructor(options: ConstructorParameters<typeof Real>[0]) {
        super(options);
        connections.push(this);
      }
    }
    const { store } = await open(temporaryDirectory(), { loadSqlite: () => Watched });
    for (const name of ['journal_mode', 'synchronous', 'secure_delete']) {
      settings[name] = (await connections[0]?.query(`PRAGMA ${name}`))?.[0]?.[name];
    }
    expect(settings).toEqual({ journal_mode: 'wal', synchronous: 2, secure_delete: 1 });
    await store.close();
  });

  test.runIf(hasModes)('is for the eyes of its owner only', async () => {
    const path = join(temporaryDirectory(), 'agent');
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const { store } = await open(path);
    await store.saveChannel(recordAt(3));
    expect(modeOf(path)).toBe(0o700);
    const files = readdirSync(path);
    expect(files.sort()).toEqual([
      'agent.keys',
      'agent.sqlite',
      'agent.sqlite-shm',
      'agent.sqlite-wal',
      'owner.lock',
      'owner.pid',
    ]);
    for (const file of files) expect(modeOf(join(path, file)), file).toBe(0o600);
  });

  test.runIf(hasModes)('that others could read is closed to them, and the opener is told', async () => {
    const path = join(temporaryDirectory(), 'agent');
    await (await open(path)).store.close();
    chmodSync(path, 0o755);
    chmodSync(join(path, 'agent.sqlite'), 0o644);
    const { warnings } = await open(path);
    expect(warnings).toEqual([
      { kind: 'loose-permissions', path, mode: 0o755 },
      { kind: 'loose-permissions', path: join(path, 'agent.sqlite'), mode: 0o644 },
    ]);
    expect([modeOf(path), modeOf(join(path, 'agent.sqlite'))]).toEqual([0o700, 0o600]);
  });

  test('that is in use is refused in the same process, before anything is awaited', async () => {
    const path = temporaryDirectory();
    const [first, second] = [open(path), open(path)];
    await expect(second).rejects.toMatchObject({
      code: 'data_dir_in_use',
      message: expect.stringContaining(`process ${process.pid}, which is this one`) as string,
    });
    const { store } = await first;
    await store.saveChannel(recordAt(2));
    await expect(open(path)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await store.close();
    await (await open(path)).store.close();
  });

  test('of a newer version is refused and left as it is', async () => {
    const path = temporaryDirectory();
    const { store } = await open(path);
    await store.saveChannel(recordAt(2));
    await store.close();
    const file = join(path, 'agent.sqlite');
    const raw = sqliteStore(file);
    const { value } = JSON.parse((await raw.get(`${NAMESPACE}:format`)) ?? '') as { value: string };
    const content = Buffer.from(value, 'base64').subarray(0, -16);
    content[4] = STORE_FORMAT + 1;
    const newer = Buffer.concat([content, createHash('sha256').update(content).digest().subarray(0, 16)]);
    await raw.put(`${NAMESPACE}:format`, JSON.stringify({ value: newer.toString('base64') }));
    await raw.keyv.disconnect();
    if (hasModes) chmodSync(file, 0o644);

    const before = readFileSync(file);
    await expect(open(path)).rejects.toMatchObject({ code: 'data_dir_version' });
    expect(readFileSync(file).equals(before)).toBe(true);
    if (hasModes) expect(modeOf(file)).toBe(0o644);
    // The refusal holds nothing: neither lock nor connection.
    DirectoryLock.acquire(path).release();
  });

  test('whose database is none is refused, and let go of', async () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, 'agent.sqlite'), 'this is no database, and long enough to be seen as none'.repeat(20));
    await expect(open(path)).rejects.toMatchObject({ code: 'store_error', message: /SQLITE_NOTADB/ });
    DirectoryLock.acquire(path).release();
  });

  test('that cannot be made says so', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    await expect(open(join(file, 'agent'))).rejects.toMatchObject({ code: 'store_error', message: /ENOTDIR/ });
  });

  test('holds nothing readable of a secret that was used before the last fold', async () => {
    const path = temporaryDirectory();
    const { store } = await open(path, { foldAfterDeltas: 3 });
    const nodes = [500, 501, 502, 503].map((seed) => bytesOf(seed, 64));
    const used = bytesOf(1000, 64);
    let record = { ...emptyRecord(), group: fakeGroup(0n, nodes) };
    const change = async (node: number, value: Uint8Array): Promise<void> => {
      record = { ...record, group: step(record.group, node, value) };
      await store.saveChannel(record);
    };
    await store.saveChannel(record);
    await change(0, used);
    expect(await canFind(path, used), 'the search finds what is there').toBe(true);
    await change(0, bytesOf(1001, 64));
    await change(1, bytesOf(1002, 64));
    await change(2, bytesOf(1003, 64));
    expect(await canFind(path, used)).toBe(false);
    expect(await canFind(path, bytesOf(501, 64)), 'of the head before').toBe(false);
    expect(await canFind(path, bytesOf(1003, 64))).toBe(true);
  });

  test('holds nothing of a channel that was deleted', async () => {
    const path = temporaryDirectory();
    const { store } = await open(path);
    const idKey = bytesOf(77, 64);
    await store.saveChannel({ ...emptyRecord(), idKey });
    expect(await canFind(path, idKey)).toBe(true);
    await store.deleteChannel(channel);
    expect(await canFind(path, idKey)).toBe(false);
  });
});

describe('without @keyv/sqlite', () => {
  test('a data directory is refused with what to do, and nothing is made', async () => {
    const path = join(temporaryDirectory(), 'agent');
    const cause = Object.assign(new Error("Cannot find module '@keyv/sqlite'"), { code: 'MODULE_NOT_FOUND' });
    const loadSqlite = (): ReturnType<typeof loadKeyvSqlite> =>
      loadKeyvSqlite(() => {
        throw cause;
      });
    await expect(open(path, { loadSqlite })).rejects.toMatchObject({
      code: 'store_error',
      message: expect.stringMatching(/npm install @keyv\/sqlite.*openAgentStore/) as string,
      cause,
    });
    expect(existsSync(path)).toBe(false);
  });
});

describe('a lock on a directory', () => {
  test('is refused while another is held, and free again after it', () => {
    const path = temporaryDirectory();
    const lock = DirectoryLock.acquire(path);
    expect(() => DirectoryLock.acquire(path)).toThrow(expect.objectContaining({ code: 'data_dir_in_use' }));
    lock.release();
    lock.release();
    expect(existsSync(join(path, 'owner.pid'))).toBe(false);
    DirectoryLock.acquire(path).release();
  });

  test('names another process when the owner has not told its id yet', () => {
    const path = temporaryDirectory();
    const lock = DirectoryLock.acquire(path);
    onTestFinished(() => lock.release());
    for (const pid of ['', 'nonsense\n']) {
      writeFileSync(join(path, 'owner.pid'), pid);
      expect(() => DirectoryLock.acquire(path)).toThrow(/in use by another process/);
    }
  });

  test('that cannot tell its id is let go of', () => {
    const path = temporaryDirectory();
    mkdirSync(join(path, 'owner.pid'));
    expect(() => DirectoryLock.acquire(path)).toThrow(expect.objectContaining({ code: 'store_error' }));
    rmdirSync(join(path, 'owner.pid'));
    DirectoryLock.acquire(path).release();
  });
});
