import { afterEach, describe, expect, test, vi } from 'vitest';
import { defaultCryptoProvider as webProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import { DependencyError } from 'ts-mls/mlsError.js';
import { CIPHER_SUITES } from '../../../src/mls/cipher-suite.ts';
import {
  createKeyPackage,
  createMlsEngine,
  decodeGroup,
  encodeGroup,
  epochAuthenticator,
  joinGroup,
  readKeyPackage,
  readWelcome,
} from '../../../src/mls/index.ts';
import type { CipherSuiteName } from '../../../src/mls/index.ts';
import { decodeKeyPackageMessage } from '../../../src/mls/key-package.ts';
import { Agent, commit, defined, gather, NOW, text, utf8 } from '../agents.ts';
import { LibraryMember } from '../library-member.ts';

const CLASSICAL = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519';
const NIST = 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256';
const POST_QUANTUM = 'MLS_256_XWING_AES256GCM_SHA512_Ed25519';

describe.each(CIPHER_SUITES)('%s', (suite) => {
  test.each([
    ['node', 'web'],
    ['web', 'node'],
    ['node', 'node'],
  ] as const)('works in one group: %s creates, %s joins', async (creator, joiner) => {
    const first = await createMlsEngine({ suite, cryptoProvider: creator });
    const second = await createMlsEngine({ suite, cryptoProvider: joiner });
    const [alice, bob] = [await Agent.named('alice', first), await Agent.named('bob', second)];
    await gather(alice, bob);
    expect(await bob.read(await alice.send('there'))).toBe('there');
    expect(await alice.read(await bob.send('and back'))).toBe('and back');
    const carol = await Agent.named('carol', first);
    await commit(bob, [alice], { joiners: [carol], rotate: true });
    await commit(alice, [bob], { leavers: [carol] });
    expect(epochAuthenticator(alice.group)).toEqual(epochAuthenticator(bob.group));
    // A stored group goes on under the other provider.
    alice.group = decodeGroup(second, encodeGroup(alice.group));
    await commit(bob, [alice], { rotate: true });
    expect(await bob.read(await alice.send('still'))).toBe('still');
  });

  test('is understood by a member that the library runs: messages, commits and Welcomes, both ways', async () => {
    const alice = await Agent.named('alice', await createMlsEngine({ suite }));
    await alice.create();
    const theirs = await LibraryMember.named('theirs', NOW - 1000, suite);
    const staged = await alice.stage({ add: [theirs.keyPackage] });
    alice.group = staged.next;
    await theirs.join(defined(staged.welcome));
    expect(text(defined(await theirs.receive(await alice.send('from ours'))))).toBe('from ours');
    expect(await alice.read(await theirs.send(utf8('from theirs'), utf8('')))).toBe('from theirs');

    const renewal = await theirs.commit([], false);
    await alice.receive(renewal.commit);
    const ours = await commit(alice, [], { rotate: true }, 'public');
    await theirs.receive(ours.commit);
    expect(theirs.state.keySchedule.epochAuthenticator).toEqual(epochAuthenticator(alice.group));

    const carol = await Agent.named('carol', alice.engine);
    // The library's commits look at the machine's clock, so this key package has to be of today.
    const bundle = await createKeyPackage(carol.engine, carol.keys, new Date().getTime());
    const keyPackage = decodeKeyPackageMessage(bundle.keyPackage);
    const addition = await theirs.commit([{ proposalType: 'add', add: { keyPackage } }], true);
    await alice.receive(addition.commit);
    const welcome = defined(addition.welcome);
    carol.group = await joinGroup(carol.engine, { welcome, bundle, keys: carol.keys, nowMs: NOW });
    expect(await alice.read(await carol.send('in'))).toBe('in');
  });
});

describe.each([
  [POST_QUANTUM, CLASSICAL],
  [CLASSICAL, POST_QUANTUM],
  [NIST, CLASSICAL],
] as const)('an agent on %s refuses %s:', (ours, others) => {
  const names = (code: string): Error =>
    expect.objectContaining({ code, message: expect.stringContaining(`${others}, not ${ours}`) as unknown }) as Error;

  async function agentOn(name: string, suite: CipherSuiteName): Promise<Agent> {
    return Agent.named(name, await createMlsEngine({ suite }));
  }

  test('a key package', async () => {
    const alice = await agentOn('alice', ours);
    await alice.create();
    const before = encodeGroup(alice.group);
    const { keyPackage } = await (await agentOn('bob', others)).keyPackage();
    await expect(readKeyPackage(alice.engine, keyPackage, NOW)).rejects.toEqual(names('invalid_key_package'));
    await expect(alice.stage({ add: [keyPackage] })).rejects.toEqual(names('invalid_key_package'));
    expect(encodeGroup(alice.group)).toEqual(before);
  });

  test('a Welcome', async () => {
    const [alice, bob, carol] = [
      await agentOn('alice', ours),
      await agentOn('bob', others),
      await agentOn('c', others),
    ];
    await bob.create();
    const { welcome } = await bob.stage({ add: [(await carol.keyPackage()).keyPackage] });
    expect(() => readWelcome(alice.engine, defined(welcome))).toThrow(names('invalid_welcome'));
    await expect(alice.join(defined(welcome), await alice.keyPackage())).rejects.toEqual(names('invalid_welcome'));
  });

  test('a stored group', async () => {
    const [alice, bob] = [await agentOn('alice', ours), await agentOn('bob', others)];
    await bob.create();
    expect(() => decodeGroup(alice.engine, encodeGroup(bob.group))).toThrow('suite');
  });
});

describe('without the optional package', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    [POST_QUANTUM, 'node', '@hpke/hybridkem-x-wing@0.7.0'],
    [POST_QUANTUM, 'web', '@hpke/hybridkem-x-wing@0.7.0'],
    [NIST, 'web', '@noble/curves@2.0.1'],
  ] as const)('%s on %s says to install %s', async (suite, cryptoProvider, missing) => {
    vi.spyOn(webProvider, 'getCiphersuiteImpl').mockRejectedValue(new DependencyError('not installed'));
    await expect(createMlsEngine({ suite, cryptoProvider })).rejects.toMatchObject({
      code: 'runtime_error',
      message: expect.stringContaining(`npm install ${missing}`) as unknown,
    });
  });

  test('suite 2 on node:crypto needs none', async () => {
    vi.spyOn(webProvider, 'getCiphersuiteImpl').mockRejectedValue(new DependencyError('not installed'));
    await expect(createMlsEngine({ suite: NIST, cryptoProvider: 'node' })).resolves.toMatchObject({ suite: NIST });
  });
});
