import { describe, expect, test } from 'vitest';
import { decodeMlsMessage } from 'ts-mls';
import { createMlsEngine, groupIdBelongsTo, groupTag, newGroupId, readWelcome } from '../../src/mls/index.ts';
import type { KeyPackageBundle } from '../../src/mls/index.ts';
import { parseChannelName } from '../../src/base/channel-name.ts';
import { Agent, CHANNEL, commit, defined, groupOf, NO_BYTES, utf8 } from './agents.ts';

/** A Welcome for carol into the group of alice and bob, after a commit with a path. */
async function invitation(): Promise<{ carol: Agent; bundle: KeyPackageBundle; welcome: Uint8Array }> {
  const [alice, bob] = await groupOf('alice', 'bob');
  const carol = await Agent.named('carol', alice.engine);
  const bundle = await carol.keyPackage();
  const staged = await bob.stage({ add: [bundle.keyPackage], rotate: true });
  return { carol, bundle, welcome: defined(staged.welcome) };
}

describe('a Welcome', () => {
  test('leads into the group of the channel', async () => {
    const { carol, bundle, welcome } = await invitation();
    await carol.join(welcome, bundle);
    expect(groupIdBelongsTo(carol.group.groupId, CHANNEL)).toBe(true);
    expect(groupIdBelongsTo(carol.group.groupId, parseChannelName('acme/research/summarize'))).toBe(false);
    expect(carol.group).toMatchObject({ epoch: 2n, ownLeaf: 2, isActive: true });
  });

  test('gives its joiner the keys of the path, so that it can follow commits', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const carol = await Agent.named('carol', alice.engine);
    await commit(alice, [bob], { joiners: [carol], rotate: true });
    await commit(bob, [alice, carol], { rotate: true });
    await commit(carol, [alice, bob], { rotate: true });
    expect(await carol.read(await bob.send('all here'))).toBe('all here');
  });

  test('tells whom it is for', async () => {
    const { carol, bundle, welcome } = await invitation();
    expect(readWelcome(carol.engine, welcome).refs).toEqual([bundle.ref]);
  });
});

describe('joinGroup refuses', () => {
  test('a Welcome for another key package, of another client and of our own', async () => {
    const { carol, welcome } = await invitation();
    const dave = await Agent.named('dave', carol.engine);
    for (const agent of [dave, carol]) {
      await expect(agent.join(welcome, await agent.keyPackage())).rejects.toMatchObject({
        code: 'invalid_welcome',
        message: 'MLS engine error: The Welcome cannot be used: it is for another key package.',
      });
    }
  });

  test('a Welcome that says it is for us and was sealed for somebody else', async () => {
    const { carol, bundle, welcome } = await invitation();
    const dave = await Agent.named('dave', carol.engine);
    const other = await dave.keyPackage();
    const relabelled = Buffer.from(welcome);
    relabelled.set(other.ref, relabelled.indexOf(bundle.ref));
    await expect(dave.join(relabelled, other)).rejects.toMatchObject({ code: 'invalid_welcome' });
  });

  test('a Welcome with any byte changed', async () => {
    const { carol, bundle, welcome } = await invitation();
    for (let index = 0; index < welcome.length; index += 5) {
      const tampered = welcome.slice();
      tampered[index] = defined(tampered[index]) ^ 0x10;
      await expect(carol.join(tampered, bundle), `byte ${index}`).rejects.toMatchObject({ code: 'invalid_welcome' });
    }
    await carol.join(welcome, bundle);
  });

  test('bytes that are no Welcome, or one of another cipher suite', async () => {
    const { carol, bundle, welcome } = await invitation();
    const otherSuite = welcome.slice();
    // Behind version and wire format.
    otherSuite[5] = 3;
    for (const bytes of [NO_BYTES, utf8('welcome!'), bundle.keyPackage, welcome.subarray(0, -1), otherSuite]) {
      await expect(carol.join(bytes, bundle)).rejects.toMatchObject({ code: 'invalid_welcome' });
      expect(() => readWelcome(carol.engine, bytes)).toThrow(expect.objectContaining({ code: 'invalid_welcome' }));
    }
    expect(defined(decodeMlsMessage(otherSuite, 0))[0]).toMatchObject({
      welcome: { cipherSuite: 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519' },
    });
  });

  test('a bundle and keys that do not belong together, or a damaged bundle', async () => {
    const { carol, bundle, welcome } = await invitation();
    const dave = await Agent.named('dave', carol.engine);
    await expect(dave.join(welcome, bundle)).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(carol.join(welcome, { ...bundle, ref: utf8('another') })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    await expect(carol.join(welcome, { ...bundle, secret: bundle.secret.subarray(0, -1) })).rejects.toMatchObject({
      code: 'store_damaged',
    });
    await expect(carol.join(welcome, { ...bundle, secret: Uint8Array.of(9, 9) })).rejects.toMatchObject({
      code: 'data_dir_version',
    });
  });
});

describe('a group id', () => {
  test('is the channel, a zero byte, and sixteen random bytes', () => {
    const id = newGroupId(CHANNEL, new Uint8Array(16).fill(0xab));
    expect(Buffer.from(id).toString('latin1')).toBe(`acme/research/summarizer\0${'\u00ab'.repeat(16)}`);
    expect(groupIdBelongsTo(id, CHANNEL)).toBe(true);
    expect(groupIdBelongsTo(id.subarray(1), CHANNEL)).toBe(false);
    expect(groupIdBelongsTo(id.subarray(0, -1), CHANNEL)).toBe(false);
    expect(() => newGroupId(CHANNEL, new Uint8Array(15))).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });

  test('shows itself to the relay as the start of its SHA-256', async () => {
    expect(Buffer.from(groupTag(utf8('abc'))).toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223');
    expect((await createMlsEngine()).suite).toBe('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519');
  });
});
