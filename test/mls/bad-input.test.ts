import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import { SkytaleError } from '../../src/base/errors.ts';
import {
  applyGroupDelta,
  decodeGroup,
  decodePins,
  encodeGroup,
  encodePins,
  groupDelta,
  groupMembers,
  inspectMessage,
  NO_PINS,
  pinMembers,
  proposeLeave,
  readKeyPackage,
  readWelcome,
} from '../../src/mls/index.ts';
import type { Group, KeyPackageBundle } from '../../src/mls/index.ts';
import { Agent, defined, groupOf, NOW } from './agents.ts';
import { seedOfRun } from '../support/seeded.ts';

/** Bytes of any kind, and real ones with some of them changed, cut off or put in. */
const damagedFrom = (...originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .record({
        original: fc.constantFrom(...originals),
        changes: fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
        from: fc.nat(20),
        length: fc.option(fc.nat()),
        tail: fc.uint8Array({ maxLength: 3 }),
      })
      .map(({ original, changes, from, length, tail }) => {
        const copy = original.slice();
        // Most of the structure is at the start.
        for (const { at, to } of changes) copy[at % (at % 2 ? copy.length : Math.min(copy.length, 80))] = to;
        const start = from > 17 ? from : 0;
        const end = length === null ? copy.length : length % copy.length;
        return Uint8Array.of(...copy.subarray(start, end), ...tail);
      }),
  );

/** What a step answers: a value, or one of our errors. Everything else fails the test. */
async function codeOf(step: () => unknown): Promise<string | undefined> {
  try {
    await step();
    return undefined;
  } catch (error) {
    if (error instanceof SkytaleError) return (error as SkytaleError).code;
    throw error;
  }
}

let alice: Agent;
let bob: Agent;
let carol: Agent;
let bundle: KeyPackageBundle;
let welcome: Uint8Array;
let messages: readonly [Uint8Array, ...Uint8Array[]];

beforeAll(async () => {
  [alice, bob] = await groupOf('alice', 'bob');
  carol = await Agent.named('carol', alice.engine);
  bundle = await carol.keyPackage();
  const inPrivate = await alice.stage({ add: [bundle.keyPackage], rotate: true });
  const inPublic = await alice.stage({ add: [bundle.keyPackage], rotate: true }, 'public');
  welcome = defined(inPrivate.welcome);
  const removal = await alice.stage({ replace: [(await bob.keyPackage()).keyPackage] }, 'public');
  const wishes = [
    await proposeLeave(alice.engine, alice.group, 'private'),
    await proposeLeave(alice.engine, alice.group, 'public'),
  ].map(({ proposal }) => proposal);
  messages = [await alice.send('hello', 'data'), inPrivate.commit, inPublic.commit, removal.commit, ...wishes];
});

const seed = seedOfRun();
/** More than fifty thousand inputs in all. */
const RUNS = { seed, numRuns: 12_000 };
const SLOW_RUNS = { seed, numRuns: 4_000 };

describe('whatever the bytes,', () => {
  test('inspectMessage answers or throws mls_error', async () => {
    const bytes = damagedFrom(...messages, welcome, bundle.keyPackage);
    await fc.assert(
      fc.asyncProperty(bytes, async (input) => {
        expect([undefined, 'mls_error']).toContain(await codeOf(() => inspectMessage(input)));
      }),
      RUNS,
    );
  });

  test('readKeyPackage answers or throws invalid_key_package', async () => {
    await fc.assert(
      fc.asyncProperty(damagedFrom(bundle.keyPackage), async (input) => {
        const code = await codeOf(() => readKeyPackage(alice.engine, input, NOW));
        expect(code).toBe(equalBytes(input, bundle.keyPackage) ? undefined : 'invalid_key_package');
      }),
      RUNS,
    );
  });

  test('readWelcome answers or throws invalid_welcome', async () => {
    await fc.assert(
      fc.asyncProperty(damagedFrom(welcome), async (input) => {
        expect([undefined, 'invalid_welcome']).toContain(await codeOf(() => readWelcome(alice.engine, input)));
      }),
      RUNS,
    );
  });

  test('joinGroup lets nobody in', async () => {
    await fc.assert(
      fc.asyncProperty(damagedFrom(welcome), async (input) => {
        const code = await codeOf(() => carol.join(input, bundle));
        expect(code).toBe(equalBytes(input, welcome) ? undefined : 'invalid_welcome');
      }),
      SLOW_RUNS,
    );
  });

  test('receiveMessage refuses and leaves the group as it was', async () => {
    const before = encodeGroup(bob.group);
    await fc.assert(
      fc.asyncProperty(damagedFrom(...messages), async (input) => {
        const at: Group = bob.group;
        const code = await codeOf(() => bob.receive(input));
        if (code === undefined) expect(messages.some((message) => equalBytes(message, input))).toBe(true);
        else expect(['decryption_failure', 'epoch_mismatch']).toContain(code);
        bob.group = at;
      }),
      SLOW_RUNS,
    );
    expect(equalBytes(encodeGroup(bob.group), before)).toBe(true);
  });

  test('decodePins answers or says that the store is damaged', async () => {
    const stored = encodePins(pinMembers(NO_PINS, groupMembers(alice.group)).pins);
    await fc.assert(
      fc.asyncProperty(damagedFrom(stored), async (input) => {
        expect([undefined, 'store_damaged', 'data_dir_version']).toContain(await codeOf(() => decodePins(input)));
      }),
      RUNS,
    );
  });

  test('decodeGroup and applyGroupDelta answer or say that the store is damaged', async () => {
    const before = bob.group;
    const stored = encodeGroup(before);
    await bob.read(messages[0]);
    const delta = defined(groupDelta(before, bob.group));
    bob.group = before;
    const codes = [undefined, 'store_damaged', 'data_dir_version'];
    await fc.assert(
      fc.asyncProperty(damagedFrom(stored), damagedFrom(delta), async (group, change) => {
        expect(codes).toContain(await codeOf(() => decodeGroup(bob.engine, group)));
        expect(codes).toContain(await codeOf(() => applyGroupDelta(bob.engine, before, change)));
      }),
      SLOW_RUNS,
    );
  });
});
