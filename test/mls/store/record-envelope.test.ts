import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { NO_LINK, openRecord, sealRecord, STORE_FORMAT } from '../../../src/mls/store/record-envelope.ts';

const record = {
  kind: 'delta',
  owner: 'channel.7',
  number: 300,
  link: new Uint8Array(16).fill(9),
  body: Uint8Array.of(1, 2, 3),
} as const;
const open = (bytes: Uint8Array): unknown => openRecord('the.key', bytes, 'delta', 'channel.7');

describe('a sealed record', () => {
  test('opens to what it was made of', () => {
    const { bytes, checksum } = sealRecord(record);
    expect(open(bytes)).toEqual({ ...record, checksum, format: 3 });
    const bare = { kind: 'keys', owner: '', number: 0, link: NO_LINK, body: NO_LINK } as const;
    expect(openRecord('k', sealRecord(bare).bytes, 'keys', '')).toMatchObject(bare);
  });

  test('has the layout that format 3 says', () => {
    const content = Buffer.from(
      `534b5952030609${Buffer.from('channel.7').toString('hex')}ac0210${'09'.repeat(16)}010203`,
      'hex',
    );
    const checksum = createHash('sha256').update(content).digest().subarray(0, 16);
    expect(Buffer.from(sealRecord(record).bytes)).toEqual(Buffer.concat([content, checksum]));
  });

  test('of an older format opens, and tells which', () => {
    const content = sealRecord(record).bytes.slice(0, -16);
    content[4] = 2;
    const checksum = createHash('sha256').update(content).digest().subarray(0, 16);
    const old = new Uint8Array([...content, ...checksum]);
    expect(open(old)).toEqual({ ...record, checksum: new Uint8Array(checksum), format: 2 });
  });

  test('is damaged when any one bit is another', () => {
    const { bytes } = sealRecord(record);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = new Uint8Array(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => open(flipped), `bit ${bit}`).toThrow(expect.objectContaining({ code: 'store_damaged' }));
    }
  });

  test('is damaged when it is cut anywhere, or longer than it was', () => {
    const { bytes } = sealRecord(record);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => open(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'store_damaged' }));
    }
    expect(() => open(Uint8Array.of(...bytes, 0))).toThrow(expect.objectContaining({ code: 'store_damaged' }));
  });

  test('is damaged when it lies where another belongs', () => {
    const { bytes } = sealRecord(record);
    expect(() => openRecord('k', bytes, 'head', 'channel.7')).toThrow(/belongs elsewhere/);
    expect(() => openRecord('k', bytes, 'delta', 'channel.8')).toThrow(/belongs elsewhere/);
  });

  test('of a newer format is refused as such, and the key is named', () => {
    const content = sealRecord(record).bytes.slice(0, -16);
    content[4] = STORE_FORMAT + 1;
    const checksum = createHash('sha256').update(content).digest().subarray(0, 16);
    expect(() => open(new Uint8Array([...content, ...checksum]))).toThrow(
      expect.objectContaining({
        code: 'data_dir_version',
        message: expect.stringMatching(/the\.key.* format 4,.* up to 3/) as string,
      }),
    );
  });
});
