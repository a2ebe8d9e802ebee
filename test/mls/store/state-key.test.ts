import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { changeStateKey, openAgentStore, openDataDirectory } from '../../../src/mls/store/index.ts';
import type { DataDirectory, StateKey } from '../../../src/mls/store/index.ts';
import { DirectoryLock } from '../../../src/mls/store/directory-lock.ts';
import { findStateKey } from '../../../src/mls/store/state-key-source.ts';
import { bytesOf, channel, fakeCodec, otherChannel, recordAt } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { copyOf, holds, plunder } from './plunder.ts';
import { hasSqlite, memoryStore, NAMESPACE, sqliteStore, temporaryDirectory } from './stores.ts';

const KEY = bytesOf(21, 32);
const OTHER = bytesOf(22, 32);
const PASSPHRASE = { passphrase: 'correct horse battery staple' };
const KEYS = { identity: bytesOf(1, 5), signaturePublicKey: bytesOf(2, 32), signaturePrivateKey: bytesOf(3, 32) };

async function open(path: string, key?: StateKey): Promise<DataDirectory> {
  const directory = await openDataDirectory(path, { codec: fakeCodec, clock: new ManualClock(), key });
  onTestFinished(() => directory.store.close());
  return directory;
}

/** A data directory under this key, with keys and a channel in it, closed. */
async function furnished(key?: StateKey): Promise<string> {
  const path = temporaryDirectory();
  const { store } = await open(path, key);
  await store.saveKeys(KEYS);
  for (const count of [1, 2]) await store.saveChannel(recordAt(count));
  await store.close();
  return path;
}

const contentOf = (path: string): unknown[] =>
  ['agent.keys', 'agent.sqlite'].map((file) => readFileSync(join(path, file)).toString('hex'));

async function expectWhole(path: string, key?: StateKey): Promise<void> {
  const { store } = await open(path, key);
  expect(await store.loadKeys()).toEqual(KEYS);
  expect(await store.loadChannel(channel)).toEqual(recordAt(2));
  await store.close();
}

async function expectRefused(path: string, key: StateKey | undefined, message: RegExp): Promise<void> {
  const before = contentOf(path);
  await expect(open(path, key)).rejects.toMatchObject({ code: 'state_key_wrong', message });
  expect(contentOf(path)).toEqual(before);
  // The refusal holds nothing.
  DirectoryLock.acquire(path).release();
}

describe.runIf(hasSqlite)('a data directory under a state key', () => {
  test.each([
    ['32 bytes', KEY],
    ['a passphrase', PASSPHRASE],
  ])('keeps what was saved, with %s', async (_, key) => {
    await expectWhole(await furnished(key), key);
  });

  test('shows no name, key or record to somebody without it', async () => {
    const path = temporaryDirectory();
    const { store } = await open(path, KEY);
    await store.saveKeys(KEYS);
    await store.saveKeyPackage({ ref: bytesOf(4, 32), keyPackage: bytesOf(5, 300), secret: bytesOf(6, 100) });
    await store.saveChannel({ ...recordAt(2), idKey: bytesOf(7, 64) });
    const copy = copyOf(path);
    const raw = readdirSync(copy).map((file) => readFileSync(join(copy, file)));
    const secrets = [KEYS.signaturePrivateKey, bytesOf(5, 300), bytesOf(6, 100), bytesOf(7, 64)];
    for (const secret of secrets) expect(holds(raw, secret)).toBe(false);
    for (const word of [channel, 'research', 'summarizer']) expect(holds(raw, Buffer.from(word)), word).toBe(false);
    // And the search would find them: with the key, they are all there.
    const loot = await plunder(copyOf(path), KEY);
    for (const secret of [...secrets, Buffer.from(channel)]) expect(holds(loot, secret)).toBe(true);
  });

  test('is refused under another key, and without one, and left as it is', async () => {
    const path = await furnished(KEY);
    await expectRefused(path, OTHER, /encrypted under another state key/);
    await expectRefused(path, undefined, /is encrypted: give its state key/);
    await expectRefused(path, PASSPHRASE, /under a state key, and a passphrase was given/);
    await expectWhole(path, KEY);
  });

  test('is refused under another passphrase, and under a key, and left as it is', async () => {
    const path = await furnished(PASSPHRASE);
    await expectRefused(path, { passphrase: 'correct horse battery stable' }, /under another passphrase/);
    await expectRefused(path, KEY, /under a passphrase, and a key was given/);
    await expectRefused(path, undefined, /is encrypted: give its passphrase/);
  });

  test('takes a passphrase for the same however it was typed', async () => {
    const path = await furnished({ passphrase: 'Z\u00fcrich' });
    await expectWhole(path, { passphrase: 'Zu\u0308rich' });
  });

  test('is refused when it is not encrypted, and says how it can be', async () => {
    const path = await furnished();
    await expectRefused(path, KEY, /is not encrypted.*changeStateKey/);
    await changeStateKey(path, { to: KEY });
    await expectRefused(path, undefined, /is encrypted/);
    await expectWhole(path, KEY);
  });

  test('is damaged without its key file, and when the file was changed', async () => {
    const path = await furnished(KEY);
    const file = join(path, 'agent.keys');
    const content = readFileSync(file);
    for (let at = 0; at < content.length; at += 5) {
      const flipped = Buffer.from(content);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(file, flipped);
      await expect(open(path, KEY), `byte ${at}`).rejects.toMatchObject({ code: 'store_damaged' });
      expect(readFileSync(file).equals(flipped)).toBe(true);
    }
    rmSync(file);
    await expect(open(path, KEY)).rejects.toMatchObject({ code: 'store_damaged', message: /agent\.keys .*missing/ });
    writeFileSync(file, content);
    await expectWhole(path, KEY);
  });

  test('takes no record for its own that was moved, or put there in the clear', async () => {
    const path = temporaryDirectory();
    const { store } = await open(path, KEY);
    await store.saveChannel(recordAt(1));
    await store.saveChannel({ ...recordAt(1), name: otherChannel });
    await store.close();
    const heads = [1, 2].map((id) => `${NAMESPACE}:channel.${id}.head`);
    const raw = sqliteStore(join(path, 'agent.sqlite'));
    await raw.put(heads[0] ?? '', await raw.get(heads[1] ?? ''));
    const plain = memoryStore();
    await (
      await openAgentStore({ keyv: plain.keyv, codec: fakeCodec, clock: new ManualClock() })
    ).saveChannel(recordAt(1));
    await raw.put(heads[1] ?? '', await plain.get(heads[0] ?? ''));
    await raw.keyv.disconnect();
    const again = await open(path, KEY);
    await expect(again.store.loadChannel(channel)).rejects.toMatchObject({ code: 'store_damaged', message: /head/ });
    await expect(again.store.loadChannel(otherChannel)).rejects.toMatchObject({
      code: 'store_damaged',
      message: /does not begin like an encrypted record/,
    });
  });
});

describe.runIf(hasSqlite)('a change of the state key', () => {
  test('makes the new key the only one, and leaves nothing of the old table', async () => {
    const path = await furnished(KEY);
    const old = readFileSync(join(path, 'agent.keys'));
    await changeStateKey(path, { from: KEY, to: PASSPHRASE });
    await expectRefused(path, KEY, /a key was given/);
    await expectWhole(path, PASSPHRASE);
    await changeStateKey(path, { from: PASSPHRASE, to: OTHER });
    await expectRefused(path, PASSPHRASE, /a passphrase was given/);
    await expectWhole(path, OTHER);
    for (const file of readdirSync(path)) {
      expect(readFileSync(join(path, file)).includes(old.subarray(20, 60)), file).toBe(false);
    }
  });

  test('is refused with the wrong key so far, or while an agent has the directory', async () => {
    const path = await furnished(KEY);
    const change = { from: OTHER, to: PASSPHRASE };
    await expect(changeStateKey(path, change)).rejects.toMatchObject({ code: 'state_key_wrong' });
    await expect(changeStateKey(path, { to: OTHER })).rejects.toMatchObject({ code: 'state_key_wrong' });
    const { store } = await open(path, KEY);
    await expect(changeStateKey(path, { from: KEY, to: OTHER })).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await store.close();
    await expectWhole(path, KEY);
  });

  test('of a directory that is not there makes none', async () => {
    const path = join(temporaryDirectory(), 'none');
    await expect(changeStateKey(path, { to: KEY })).rejects.toMatchObject({ code: 'store_error' });
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  test('goes on beside the saves of an agent', async () => {
    const path = temporaryDirectory();
    const directory = await open(path, KEY);
    const { store } = directory;
    await store.saveKeys(KEYS);
    const work = [store.saveChannel(recordAt(1)), directory.changeStateKey(OTHER), store.saveChannel(recordAt(2))];
    await Promise.all(work);
    await store.saveChannel({ ...recordAt(40), name: otherChannel });
    await store.close();
    await expectRefused(path, KEY, /another state key/);
    await expectWhole(path, OTHER);
  });
});

describe('a store on any Keyv', () => {
  const options = { codec: fakeCodec, clock: new ManualClock() };

  test('is encrypted under a state key, and refused under another', async () => {
    const raw = memoryStore();
    const store = await openAgentStore({ ...options, keyv: raw.keyv, stateKey: KEY });
    await store.saveChannel(recordAt(2));
    await store.close();
    const values = [...raw.store.map.values()].map((value) => Buffer.from(value));
    expect(holds(values, recordAt(2).idKey)).toBe(false);
    for (const stateKey of [undefined, OTHER]) {
      const before = new Map(raw.store.map);
      const opening = openAgentStore({ ...options, keyv: raw.keyv, stateKey });
      await expect(opening).rejects.toMatchObject({ code: 'state_key_wrong' });
      expect(raw.store.map).toEqual(before);
    }
    const again = await openAgentStore({ ...options, keyv: raw.keyv, stateKey: KEY });
    expect(await again.loadChannel(channel)).toEqual(recordAt(2));
  });

  test('is refused under a state key when it is not encrypted', async () => {
    const raw = memoryStore();
    await (await openAgentStore({ ...options, keyv: raw.keyv })).saveChannel(recordAt(2));
    const opening = openAgentStore({ ...options, keyv: raw.keyv, stateKey: KEY });
    await expect(opening).rejects.toMatchObject({ code: 'state_key_wrong' });
  });
});

describe('the state key of an agent', () => {
  const hex = Buffer.from(KEY).toString('hex');
  const forms: readonly (readonly [string, string | Uint8Array])[] = [
    ['raw bytes', KEY],
    ['hexadecimal', `${hex}\n`],
    ['upper case', hex.toUpperCase()],
    ['base64', `${Buffer.from(KEY).toString('base64')}\n`],
    ['base64url', Buffer.from(KEY).toString('base64url')],
  ];
  function keyFile(content: string | Uint8Array, mode = 0o600): string {
    const path = join(temporaryDirectory(), 'state.key');
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  }

  test.each(forms)('is read from a file with %s', (_, content) => {
    expect(findStateKey({ stateKeyFile: keyFile(content) }, {})).toEqual(KEY);
  });

  test.each(forms.slice(1))('is read from the environment in %s', (_, content) => {
    expect(findStateKey({}, { SKYTALE_STATE_KEY: content as string })).toEqual(KEY);
  });

  test('is the option before the environment, and there is none where nothing is set', () => {
    expect(findStateKey({ stateKey: OTHER }, { SKYTALE_STATE_KEY: hex })).toEqual(OTHER);
    expect(findStateKey({ stateKeyFile: keyFile(OTHER) }, { SKYTALE_STATE_KEY: hex })).toEqual(OTHER);
    expect(findStateKey({}, {})).toBeUndefined();
    expect(findStateKey({}, { SKYTALE_STATE_KEY: '' })).toBeUndefined();
  });

  test.runIf(process.platform !== 'win32').each([0o644, 0o604, 0o602, 0o620, 0o666])(
    'is not read from a file that others can reach: %o',
    (mode) => {
      expect(() => findStateKey({ stateKeyFile: keyFile(hex, mode) }, {})).toThrow(
        expect.objectContaining({ code: 'state_key_wrong', message: expect.stringContaining('chmod 600') as string }),
      );
    },
  );

  test.runIf(process.platform !== 'win32').each([0o600, 0o400, 0o440])('may be in a file of mode %o', (mode) => {
    expect(findStateKey({ stateKeyFile: keyFile(hex, mode) }, {})).toEqual(KEY);
  });

  test('is refused where it is none, without a word of what was there', () => {
    const directory = join(temporaryDirectory(), 'directory');
    mkdirSync(directory);
    const attempts: readonly (readonly [() => unknown, string])[] = [
      [() => findStateKey({}, { SKYTALE_STATE_KEY: 'hunter2' }), 'state_key_wrong'],
      [() => findStateKey({}, { SKYTALE_STATE_KEY: hex.slice(2) }), 'state_key_wrong'],
      [() => findStateKey({ stateKeyFile: keyFile('hunter2') }, {}), 'state_key_wrong'],
      [() => findStateKey({ stateKeyFile: keyFile(bytesOf(1, 31)) }, {}), 'state_key_wrong'],
      [() => findStateKey({ stateKeyFile: keyFile('') }, {}), 'state_key_wrong'],
      [() => findStateKey({ stateKeyFile: join(directory, 'none') }, {}), 'state_key_wrong'],
      [() => findStateKey({ stateKeyFile: directory }, {}), 'state_key_wrong'],
      [() => findStateKey({ stateKey: bytesOf(1, 31) }, {}), 'invalid_argument'],
      [() => findStateKey({ stateKey: { passphrase: '' } }, {}), 'invalid_argument'],
      [() => findStateKey({ stateKey: 'hunter2' as unknown as StateKey }, {}), 'invalid_argument'],
      [() => findStateKey({ stateKey: KEY, stateKeyFile: keyFile(hex) }, {}), 'invalid_argument'],
    ];
    for (const [attempt, code] of attempts) {
      expect(attempt).toThrow(expect.objectContaining({ code }));
      expect(attempt).not.toThrow(/hunter2/);
    }
  });
});
