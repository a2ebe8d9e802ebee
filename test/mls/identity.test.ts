import { beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import {
  commitChange,
  createMlsEngine,
  decodePins,
  describeChange,
  encodePins,
  groupMembers,
  joinGroup,
  NO_PINS,
  pinMembers,
  receiveMessage,
  safetyNumber,
} from '../../src/mls/index.ts';
import type { AcceptMember, Member, MemberContext } from '../../src/mls/index.ts';
import { Agent, commit, defined, gather, groupOf, NO_BYTES, NOW, text, utf8 } from './agents.ts';

describe('pins', () => {
  test('trust on first use, and report a key that has changed', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const first = pinMembers(NO_PINS, groupMembers(alice.group));
    expect(first.keyChanged).toEqual([]);
    expect([...first.pins.values()].map(({ identity }) => text(identity))).toEqual(['alice', 'bob', 'carol']);

    await commit(alice, [carol], { leavers: [bob] });
    expect(pinMembers(first.pins, groupMembers(alice.group)).pins).toBe(first.pins);

    const impostor = await Agent.named('bob', alice.engine);
    const before = alice.group;
    await commit(alice, [carol], { joiners: [impostor] });
    const change = {
      identity: utf8('bob'),
      before: bob.keys.signaturePublicKey,
      after: impostor.keys.signaturePublicKey,
    };
    const second = pinMembers(first.pins, groupMembers(alice.group));
    expect(second.keyChanged).toEqual([change]);
    expect(describeChange(before, alice.group, first.pins).keyChanged).toEqual([change]);
    // Without pins, nothing tells of a key from before the removal.
    expect(describeChange(before, alice.group).keyChanged).toEqual([]);
    expect(pinMembers(second.pins, groupMembers(alice.group))).toEqual({ pins: second.pins, keyChanged: [] });
    expect(first.pins.get(toHex(utf8('bob')))?.signatureKey).toEqual(bob.keys.signaturePublicKey);
  });

  test('are the same after a round trip, and refuse what they are not', async () => {
    const [alice] = await groupOf('alice', 'bob', 'carol');
    const { pins } = pinMembers(NO_PINS, groupMembers(alice.group));
    const bytes = encodePins(pins);
    const decoded = decodePins(bytes);
    bytes.fill(0xff);
    expect(decoded).toEqual(pins);
    expect(decodePins(encodePins(NO_PINS)).size).toBe(0);
    const again = encodePins(pins);
    const bad = (code: string, input: Uint8Array): void => {
      expect(() => decodePins(input)).toThrow(expect.objectContaining({ code }));
    };
    bad('store_damaged', NO_BYTES);
    bad('store_damaged', again.subarray(0, -1));
    bad('store_damaged', Uint8Array.of(...again, 0));
    bad('store_damaged', again.slice().fill(0, 0, 1));
    bad('data_dir_version', again.slice().fill(2, 0, 1));
  });

  test('live on when the message that they came in is overwritten', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const carol = await Agent.named('carol', alice.engine);
    const { commit: bytes } = await commit(alice, [], { joiners: [carol] }, 'public');
    const { group } = await receiveMessage(bob.engine, bob.group, bytes);
    const { pins } = pinMembers(NO_PINS, groupMembers(group));
    for (const member of groupMembers(group)) member.signatureKey.fill(0);
    expect(pins.get(toHex(utf8('carol')))?.signatureKey).toEqual(carol.keys.signaturePublicKey);
  });
});

describe('the policy about members', () => {
  /** An engine that asks `acceptMember`, and what it was asked. */
  async function engineWith(acceptMember: AcceptMember): Promise<{
    readonly engine: Awaited<ReturnType<typeof createMlsEngine>>;
    readonly asked: [name: string, occasion: MemberContext['occasion'], known: string | undefined][];
  }> {
    const asked: [string, MemberContext['occasion'], string | undefined][] = [];
    const engine = await createMlsEngine({
      acceptMember: (member, context) => {
        asked.push([text(member.identity), context.occasion, context.knownKey && toHex(context.knownKey)]);
        return acceptMember(member, context);
      },
    });
    return { engine, asked };
  }
  const noChangedKey: AcceptMember = ({ signatureKey }, { knownKey }) =>
    knownKey === undefined || toHex(knownKey) === toHex(signatureKey);

  test('is asked about each new member, once, and not about ourselves', async () => {
    const { engine, asked } = await engineWith(() => true);
    const [alice, bob] = [await Agent.named('alice'), await Agent.named('bob', engine)];
    await gather(alice, bob);
    expect(asked.splice(0)).toEqual([['alice', 'join', undefined]]);
    const carol = await Agent.named('carol');
    await commit(alice, [bob], { joiners: [carol] });
    expect(asked.splice(0)).toEqual([['carol', 'commit', undefined]]);
    const dave = await Agent.named('dave');
    await commit(bob, [alice, carol], { joiners: [dave] });
    expect(asked.splice(0)).toEqual([['dave', 'own-commit', undefined]]);
    await commit(dave, [alice, bob, carol], { rotate: true });
    await commit(alice, [bob, carol], { leavers: [dave] });
    expect(asked).toEqual([]);
  });

  test('knows the key from the tree, or from the pins', async () => {
    const { engine, asked } = await engineWith(() => true);
    const [alice, bob] = [await Agent.named('alice', engine), await Agent.named('bob')];
    await gather(alice, bob);
    asked.splice(0);
    const known = toHex(bob.keys.signaturePublicKey);
    const { pins } = pinMembers(NO_PINS, groupMembers(alice.group));
    const { keyPackage } = await (await Agent.named('bob')).keyPackage();
    await alice.stage({ replace: [keyPackage] });
    await commit(alice, [], { leavers: [bob] });
    await alice.stage({ add: [keyPackage] });
    await commitChange(engine, alice.group, { add: [keyPackage] }, 'private', NOW, pins);
    expect(asked).toEqual([
      ['bob', 'own-commit', known],
      ['bob', 'own-commit', undefined],
      ['bob', 'own-commit', known],
    ]);
  });

  test('can refuse a changed key: to commit it, to follow the commit, and to join', async () => {
    const { engine } = await engineWith(noChangedKey);
    const alice = await Agent.named('alice');
    const [bob, carol] = [await Agent.named('bob', engine), await Agent.named('carol')];
    await gather(alice, bob, carol);
    const impostor = await Agent.named('carol');
    const { keyPackage } = await impostor.keyPackage();

    await expect(bob.stage({ replace: [keyPackage] })).rejects.toMatchObject({
      code: 'mls_error',
      message: 'MLS engine error: The change cannot be committed: the policy does not accept the member at leaf 2.',
    });
    const staged = await alice.stage({ replace: [keyPackage] });
    const at = bob.group;
    await expect(bob.receive(staged.commit)).rejects.toMatchObject({
      code: 'decryption_failure',
      message: 'MLS engine error: The message was refused: the policy does not accept the member at leaf 2.',
    });
    expect(bob.group).toBe(at);

    const { pins } = pinMembers(NO_PINS, groupMembers(bob.group));
    alice.group = staged.next;
    await commit(alice, [], { leavers: [bob] });
    const bundle = await bob.keyPackage();
    const welcome = defined((await alice.stage({ add: [bundle.keyPackage] })).welcome);
    const request = { welcome, bundle, keys: bob.keys, nowMs: NOW };
    await expect(joinGroup(engine, { ...request, pins })).rejects.toMatchObject({
      code: 'invalid_welcome',
      message: 'MLS engine error: The Welcome cannot be used: the policy does not accept the member at leaf 2.',
    });
    expect((await joinGroup(engine, request)).isActive).toBe(true);
  });

  test('has no say about the commit that removes us', async () => {
    const { engine } = await engineWith((_member, { occasion }) => occasion !== 'commit');
    const [alice, bob] = [await Agent.named('alice'), await Agent.named('bob', engine)];
    await gather(alice, bob);
    const carol = await Agent.named('carol');
    const { commit: bytes } = await commit(alice, [], { joiners: [carol], leavers: [bob] });
    await bob.receive(bytes);
    expect(bob.group.isActive).toBe(false);
  });

  test('that throws or does not answer with a boolean is an error, never a yes', async () => {
    const cause = new Error('database is away');
    const failing: [AcceptMember, object][] = [
      [
        () => {
          throw cause;
        },
        { code: 'mls_error', cause },
      ],
      [(() => Promise.resolve(false)) as unknown as AcceptMember, { code: 'invalid_argument' }],
      [(() => undefined) as unknown as AcceptMember, { code: 'invalid_argument' }],
    ];
    const carol = await Agent.named('carol');
    const add = [(await carol.keyPackage()).keyPackage];
    for (const [acceptMember, error] of failing) {
      const engine = await createMlsEngine({ acceptMember });
      const alice = await Agent.named('alice', engine);
      await alice.create();
      await expect(alice.stage({ add })).rejects.toMatchObject(error);
      const [dave, bob] = await groupOf('dave', 'bob');
      const staged = await dave.stage({ add });
      await expect(receiveMessage(engine, bob.group, staged.commit)).rejects.toMatchObject(error);
    }
  });
});

describe('a safety number', () => {
  let members: readonly Member[];
  beforeAll(async () => {
    const [alice] = await groupOf('alice', 'bob', 'carol');
    members = groupMembers(alice.group);
  });

  test('is sixty digits in groups of five', () => {
    expect(safetyNumber(members)).toMatch(/^(\d{5} ){11}\d{5}$/);
  });

  test('is the same for both sides, in every group and at every leaf', async () => {
    const [alice, bob] = [await Agent.named('alice'), await Agent.named('bob')];
    await gather(alice, bob);
    const inFirst = safetyNumber(alice.group);
    expect(safetyNumber(bob.group)).toBe(inFirst);
    await gather(bob, alice);
    expect(safetyNumber(bob.group)).toBe(inFirst);
    await commit(alice, [bob], { rotate: true });
    expect(safetyNumber([...groupMembers(alice.group)].reverse())).toBe(inFirst);
  });

  test('changes with any identity and any key', () => {
    const [alice, bob, carol] = members as [Member, Member, Member];
    const numbers = [
      safetyNumber([alice, bob]),
      safetyNumber([alice, carol]),
      safetyNumber(members),
      safetyNumber([alice, { ...bob, signatureKey: carol.signatureKey }]),
      safetyNumber([alice, { ...bob, identity: utf8('bob2') }]),
      // Where the identity ends and the key begins is part of it.
      safetyNumber([
        alice,
        {
          ...bob,
          identity: Uint8Array.of(...bob.identity, ...bob.signatureKey.subarray(0, 1)),
          signatureKey: bob.signatureKey.subarray(1),
        },
      ]),
    ];
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('is the one that its description says', () => {
    const at = (leaf: number, name: string, key: number): Member => ({
      leaf,
      identity: utf8(name),
      signatureKey: new Uint8Array(32).fill(key),
    });
    // Computed apart from this package, from the text of the doc comment alone, with Python's hashlib.
    expect(safetyNumber([at(0, 'alice', 1), at(1, 'bob', 2)])).toBe(
      '06244 84045 91996 22800 83415 29940 45506 07935 27505 92901 51090 44208',
    );
  });

  test('needs two to compare', () => {
    expect(() => safetyNumber(members.slice(0, 1))).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
