import { describe, expect, test } from 'vitest';
import { startFront } from './support/front.ts';
import { RawClient } from './support/raw-client.ts';
import { commit, fresh, messages } from './support/submissions.ts';

const EMPTY_FIELDS = 200_000;

/** A field that holds bytes. */
function field(number: number, body: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = body.length; ; rest = Math.floor(rest / 0x80)) {
    length.push(rest < 0x80 ? rest : rest % 0x80 | 0x80);
    if (rest < 0x80) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body]);
}

/** The same field over and over, with nothing in it: two bytes each. */
function empty(number: number): Buffer {
  return Buffer.alloc(2 * EMPTY_FIELDS, Buffer.from([(number << 3) | 2, 0]));
}

const UNKNOWN = Buffer.from([0x78, 1]);

describe('a frame that would become more than it is', () => {
  test.each([
    ['submissions', field(5, empty(4))],
    ['submissions behind a field that nobody knows', field(5, Buffer.concat([UNKNOWN, empty(4)]))],
    ['Welcomes', field(5, field(4, empty(5)))],
    ['key packages', field(5, field(4, field(5, empty(1))))],
    ['frames', empty(5)],
  ])('of ever so many empty %s is refused before it is read', async (_, bytes) => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    const mallory = await RawClient.connect(front.endpoint);
    mallory.sendBytes(bytes);
    expect(await mallory.refusal()).toBe('protocol-error');
    expect(await alice.publish(messages(5))).toHaveLength(5);
  });

  test('and one that is as full as it may be is served', async () => {
    const { endpoint } = await startFront();
    const alice = await RawClient.connect(endpoint);
    const welcomes = Array.from({ length: 256 }, () => ({ keyPackageRefs: [fresh(32)], payload: fresh(20) }));
    const batch = [commit(0n, welcomes), commit(1n, welcomes), ...messages(126, 2n)];
    expect((await alice.publish(batch)).map(({ kind }) => kind)).toEqual(batch.map(() => 'accepted'));
  });

  test('of a channel name of a megabyte is answered without the name', async () => {
    const { endpoint } = await startFront();
    const alice = await RawClient.connect(endpoint);
    const answers = await alice.publish(messages(100), 'x'.repeat(1_000_000));
    expect(answers).toHaveLength(100);
    for (const answer of answers) expect((answer as { detail: string }).detail.length).toBeLessThan(200);
  });
});
