import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import { createMlsEngine, createAgentKeys, encodeGroup, receiveMessage } from '../../src/mls/index.ts';
import { Agent, commit, defined, gather, groupOf, utf8 } from './agents.ts';

/** Runs a step that must be refused, and checks that the group is as it was: byte for byte, and in use. */
async function refused(agent: Agent, step: () => Promise<unknown>): Promise<unknown> {
  const before = encodeGroup(agent.group);
  const error: unknown = await step().then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(equalBytes(encodeGroup(agent.group), before)).toBe(true);
  return error;
}

describe('receiveMessage refuses', () => {
  test('a damaged message, wherever the damage is, and reads the whole one afterwards', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const sent = await alice.send('whole', 'with data');
    for (let index = 0; index < sent.length; index++) {
      const damaged = sent.slice();
      damaged[index] = defined(damaged[index]) ^ 0x01;
      const error = await refused(bob, () => bob.receive(damaged));
      expect(['decryption_failure', 'epoch_mismatch'], `byte ${index}`).toContain((error as { code: string }).code);
    }
    expect(await bob.read(sent)).toBe('whole');
  });

  test.each(['private', 'public'] as const)('a damaged %s commit', async (framing) => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const carol = await Agent.named('carol', alice.engine);
    const { commit: whole } = await commit(alice, [], { joiners: [carol], rotate: true }, framing);
    for (let index = 0; index < whole.length; index += 3) {
      const damaged = whole.slice();
      damaged[index] = defined(damaged[index]) ^ 0x80;
      expect(await refused(bob, () => bob.receive(damaged)), `byte ${index}`).toHaveProperty('code');
    }
    await bob.receive(whole);
    expect(await bob.read(await carol.send('in the end'))).toBe('in the end');
  });

  test('a message of an epoch that is still to come', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const { commit: change } = await commit(alice, [], { rotate: true });
    const sent = await alice.send('from the future');
    expect(await refused(bob, () => bob.receive(sent))).toMatchObject({
      code: 'epoch_mismatch',
      message: 'MLS engine error: The application message is of epoch 2; the group is still in epoch 1.',
    });
    await bob.receive(change);
    expect(await bob.read(sent)).toBe('from the future');
  });

  test('a commit of an epoch that is over', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const { commit: change } = await commit(alice, [bob], { rotate: true });
    expect(await refused(bob, () => bob.receive(change))).toMatchObject({ code: 'epoch_mismatch' });
  });

  test('its own message', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const before = alice.group;
    const sent = await alice.send('to myself');
    expect(await refused(alice, () => alice.receive(sent))).toMatchObject({ code: 'decryption_failure' });
    // Also where an old state could still decrypt it.
    await expect(receiveMessage(alice.engine, before, sent)).rejects.toMatchObject({ code: 'decryption_failure' });
  });

  test('a message of another group, a Welcome and a key package', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const [stranger] = await groupOf('stranger', 'other');
    const bundle = await (await Agent.named('carol', alice.engine)).keyPackage();
    const { welcome } = await alice.stage({ add: [bundle.keyPackage] });
    const tampered = await stranger.send('hello');
    for (const bytes of [tampered, defined(welcome), bundle.keyPackage]) {
      expect(await refused(bob, () => bob.receive(bytes))).toMatchObject({ code: 'decryption_failure' });
    }
  });

  test('a jump of more than a thousand messages', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    for (let sent = 0; sent < 1001; sent++) await alice.send('lost');
    const far = await alice.send('far ahead');
    expect(await refused(bob, () => bob.receive(far))).toMatchObject({ code: 'decryption_failure' });
  });
});

describe('commitChange refuses', () => {
  test('an identity that is a member already', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const impostor = await Agent.named('bob', alice.engine);
    const { keyPackage } = await impostor.keyPackage();
    expect(await refused(alice, () => alice.stage({ add: [keyPackage] }))).toMatchObject({
      code: 'mls_error',
      message: 'MLS engine error: The change cannot be committed: it adds an identity that is a member already.',
    });
  });

  test('one identity twice in one change', async () => {
    const [alice] = await groupOf('alice');
    const bob = await Agent.named('bob', alice.engine);
    const add = [(await bob.keyPackage()).keyPackage, (await bob.keyPackage()).keyPackage];
    expect(await refused(alice, () => alice.stage({ add }))).toMatchObject({ code: 'mls_error' });
  });

  test('a leaf that nobody has, our own, and nothing at all', async () => {
    const [alice] = await groupOf('alice', 'bob');
    expect(await refused(alice, () => alice.stage({ remove: [5] }))).toMatchObject({ code: 'mls_error' });
    expect(await refused(alice, () => alice.stage({ remove: [0] }))).toMatchObject({ code: 'invalid_argument' });
    expect(await refused(alice, () => alice.stage({ remove: [-1] }))).toMatchObject({ code: 'invalid_argument' });
    expect(await refused(alice, () => alice.stage({}))).toMatchObject({ code: 'invalid_argument' });
  });

  test('a key package that is none', async () => {
    const [alice] = await groupOf('alice', 'bob');
    expect(await refused(alice, () => alice.stage({ add: [utf8('garbage')] }))).toMatchObject({
      code: 'invalid_key_package',
    });
  });
});

describe('the engine refuses', () => {
  test.each([
    [{ suite: 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519' }, '`suite`'],
    [{ padding: -1 }, '`padding`'],
    [{ padding: 65_537 }, '`padding`'],
    [{ padding: 'some' }, '`padding`'],
    [{ acceptMember: true }, '`acceptMember`'],
    [{ cryptoProvider: 'quantum' }, '`cryptoProvider`'],
  ])('%j', async (options, named) => {
    await expect(createMlsEngine(options as object)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(named) as string,
    });
  });

  test('an identity that is empty or too long', async () => {
    const engine = await createMlsEngine();
    await expect(createAgentKeys(engine, new Uint8Array(0))).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(createAgentKeys(engine, new Uint8Array(1025))).rejects.toMatchObject({ code: 'invalid_argument' });
    const longest = await Agent.named('x'.repeat(1024), engine);
    await gather(longest);
    expect(longest.group.epoch).toBe(0n);
  });
});
