import { beforeAll, describe, expect, test } from 'vitest';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import { decodePins, encodePins, NO_PINS, pinMembers } from '../../../src/mls/identity-pins.ts';
import { Catalog } from '../../../src/mls/store/catalog.ts';
import { newProtection } from '../../../src/mls/store/key-protection.ts';
import { decodeKeyTable, encodeKeyTable } from '../../../src/mls/store/key-table-encoding.ts';
import { NO_LINK, openRecord, type RecordKind, sealRecord } from '../../../src/mls/store/record-envelope.ts';
import { AGENT_KEY, FORMAT_KEY, type Records } from '../../../src/mls/store/records.ts';
import { bytesOf } from '../store/fake-groups.ts';
import { damaged, fuzz, outcomeOf, TIMEOUT_MS } from './mutations.ts';

const CODES = ['store_damaged', 'data_dir_version'];
const CATALOG = 'catalog';
const TABLE = 'agent.keys';
const STATE_KEY = bytesOf(9, 32);

/** Records in memory. Whatever reading them writes would be a mistake. */
function recordsOf(values: ReadonlyMap<string, Uint8Array>, writable?: Map<string, Uint8Array>): Records {
  const get = (name: string): { bytes: Uint8Array; key: number } | undefined => {
    const bytes = values.get(name);
    return bytes && { bytes, key: AGENT_KEY };
  };
  const refuse = (): never => {
    throw new Error('nothing is to be written');
  };
  return {
    keys: { prepare: refuse, advance: refuse, erase: refuse },
    get: (name) => Promise.resolve(get(name)),
    getMany: (names) => Promise.resolve(names.map(get)),
    set: (name, bytes) => Promise.resolve(void (writable ?? refuse()).set(name, bytes)),
    deleteMany: refuse,
  };
}

/** A body that was damaged before its checksum was made. */
function resealed(kind: RecordKind, body: Uint8Array): Uint8Array {
  return sealRecord({ kind, owner: '', number: 0, link: NO_LINK, body }).bytes;
}

const bodyOf = (place: string, bytes: Uint8Array, kind: RecordKind): Uint8Array =>
  openRecord(place, bytes, kind, '').body;

describe('a damaged catalog', () => {
  const values = new Map<string, Uint8Array>();
  let whole: Uint8Array;

  beforeAll(async () => {
    const catalog = await Catalog.open(recordsOf(values, values));
    for (const name of ['acme/a/one', 'acme/a/two', 'acme/b/three']) await catalog.add(parseChannelName(name));
    await catalog.setHasKeys();
    await catalog.setStage(2, 'live');
    await catalog.addKeyPackage('00'.repeat(32));
    whole = values.get(CATALOG) ?? new Uint8Array(0);
  });

  const openedWith = (catalog: Uint8Array): ReturnType<typeof outcomeOf> =>
    outcomeOf(() => Catalog.open(recordsOf(new Map([...values, [CATALOG, catalog]]))));

  test('is named, whatever the damage is', { timeout: TIMEOUT_MS }, () =>
    fuzz(4_000, damaged(whole), async (input) => {
      const { code } = await openedWith(input);
      if (Buffer.compare(input, whole) === 0) expect(code).toBeUndefined();
      else expect(CODES).toContain(code);
    }),
  );

  test('is read or named where the checksum fits', { timeout: TIMEOUT_MS }, () =>
    fuzz(6_000, damaged(bodyOf(CATALOG, whole, 'catalog')), async (input) => {
      const { code } = await openedWith(resealed('catalog', input));
      expect([undefined, ...CODES]).toContain(code);
    }),
  );

  test('is named as well where it is the format that was damaged', { timeout: TIMEOUT_MS }, () =>
    fuzz(2_000, damaged(values.get(FORMAT_KEY) ?? new Uint8Array(0)), async (input) => {
      const { code } = await outcomeOf(() => Catalog.open(recordsOf(new Map([...values, [FORMAT_KEY, input]]))));
      if (Buffer.compare(input, values.get(FORMAT_KEY) ?? input) !== 0) expect(CODES).toContain(code);
    }),
  );

  test('of a version without key packages is read', async () => {
    const body = bodyOf(CATALOG, whole, 'catalog');
    const [listLength, refBytes] = [1, 1 + 64];
    const older = await Catalog.open(
      recordsOf(new Map([...values, [CATALOG, resealed('catalog', body.slice(0, -(listLength + refBytes)))]])),
    );
    expect(older.keyPackages).toEqual([]);
    expect(older.entries.map(({ name }) => name)).toEqual(['acme/a/one', 'acme/a/two', 'acme/b/three']);
  });
});

// Under a passphrase, each case would take a third of a second for its key.
describe.each([
  ['without a state key', undefined],
  ['under a state key', STATE_KEY],
])('a damaged key table %s', (_, key) => {
  const codes = [...CODES, 'state_key_wrong'];
  let whole: Uint8Array;

  beforeAll(async () => {
    const owners = new Map([
      ['', new Map([[1, bytesOf(1, 32)]])],
      [
        'channel.1',
        new Map([
          [2, bytesOf(2, 32)],
          [5, bytesOf(3, 32)],
        ]),
      ],
    ]);
    whole = encodeKeyTable({ nextId: 6, owners }, await newProtection(key));
  });

  const decodedFrom = (bytes: Uint8Array): ReturnType<typeof outcomeOf> =>
    outcomeOf(() => decodeKeyTable(TABLE, bytes, key));

  test('is named, whatever the damage is', { timeout: TIMEOUT_MS }, () =>
    fuzz(3_000, damaged(whole), async (input) => {
      const { code } = await decodedFrom(input);
      if (Buffer.compare(input, whole) === 0) expect(code).toBeUndefined();
      else expect(codes).toContain(code);
    }),
  );

  test('is read or named where the checksum fits', { timeout: TIMEOUT_MS }, () =>
    fuzz(5_000, damaged(bodyOf(TABLE, whole, 'key-table')), async (input) => {
      const { code } = await decodedFrom(resealed('key-table', input));
      expect([undefined, ...codes]).toContain(code);
    }),
  );
});

test('damaged pins are read or named as damaged', { timeout: TIMEOUT_MS }, () => {
  const member = (seed: number): { leaf: number; identity: Uint8Array; signatureKey: Uint8Array } => ({
    leaf: seed,
    identity: bytesOf(seed, 5 + seed),
    signatureKey: bytesOf(seed + 100, 32),
  });
  const pins = encodePins(pinMembers(NO_PINS, [1, 2, 3, 70].map(member)).pins);
  return fuzz(6_000, damaged(pins), async (input) => {
    const { code } = await outcomeOf(() => decodePins(input));
    expect([undefined, ...CODES]).toContain(code);
  });
});
