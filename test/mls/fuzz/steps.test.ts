import { beforeAll, expect, test } from 'vitest';
import { equalBytes } from '../../../src/base/bytes.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../src/actors/channel/envelope.ts';
import {
  applyGroupDelta,
  decodeGroup,
  encodeGroup,
  epochAuthenticator,
  groupDelta,
  inspectMessage,
  joinGroup,
  readKeyPackage,
  readWelcome,
  receiveMessage,
} from '../../../src/mls/index.ts';
import type { Group, KeyPackageBundle } from '../../../src/mls/index.ts';
import { Agent, commit, defined, groupOf, NOW, text, utf8 } from '../agents.ts';
import { damaged, fuzz, outcomeOf, TIMEOUT_MS } from './mutations.ts';

const STORE_CODES = ['store_damaged', 'data_dir_version'];
/** How often a refusal is followed by a look at every byte of the group. */
const SAMPLE = 25;

let alice: Agent;
let bob: Agent;
let carol: Agent;
let bundle: KeyPackageBundle;
let welcome: Uint8Array;
let messages: readonly Uint8Array[];
let nextAuthenticators: readonly Uint8Array[];
let delta: Uint8Array;

beforeAll(async () => {
  [alice, bob] = await groupOf('alice', 'bob');
  // A past epoch, so that old messages and their keys are part of the corpus.
  const late = await alice.send('hello');
  await commit(alice, [bob], { rotate: true });
  carol = await Agent.named('carol', alice.engine);
  bundle = await carol.keyPackage();
  const inPrivate = await alice.stage({ add: [bundle.keyPackage], rotate: true });
  const inPublic = await alice.stage({ add: [bundle.keyPackage], rotate: true }, 'public');
  welcome = defined(inPrivate.welcome);
  nextAuthenticators = [epochAuthenticator(inPrivate.next), epochAuthenticator(inPublic.next)];
  messages = [late, await alice.send('hello', 'data'), inPrivate.commit, inPublic.commit];
  const { group } = await receiveMessage(bob.engine, bob.group, defined(messages[1]));
  delta = defined(groupDelta(bob.group, group));
});

test('inspectMessage reads or throws mls_error', { timeout: TIMEOUT_MS }, () =>
  fuzz(15_000, damaged(...messages, welcome, bundle.keyPackage), async (input) => {
    const { code } = await outcomeOf(() => inspectMessage(input));
    expect([undefined, 'mls_error']).toContain(code);
  }),
);

test('readKeyPackage accepts nothing that its owner has not signed', { timeout: TIMEOUT_MS }, () =>
  fuzz(6_000, damaged(bundle.keyPackage, welcome), async (input) => {
    const outcome = await outcomeOf(() => readKeyPackage(alice.engine, input, NOW));
    if (outcome.code === undefined) expect(outcome.value.ref).toEqual(bundle.ref);
    else expect(outcome.code).toBe('invalid_key_package');
  }),
);

test('readWelcome reads or throws invalid_welcome', { timeout: TIMEOUT_MS }, () =>
  fuzz(6_000, damaged(welcome, bundle.keyPackage), async (input) => {
    const { code } = await outcomeOf(() => readWelcome(alice.engine, input));
    expect([undefined, 'invalid_welcome']).toContain(code);
  }),
);

test('joinGroup leads into the group of the Welcome or nowhere', { timeout: TIMEOUT_MS }, () =>
  fuzz(3_000, damaged(welcome), async (input) => {
    const outcome = await outcomeOf(() =>
      joinGroup(carol.engine, { welcome: input, bundle, keys: carol.keys, nowMs: NOW }),
    );
    if (outcome.code === undefined) expect(epochAuthenticator(outcome.value)).toEqual(nextAuthenticators[0]);
    else expect(outcome.code).toBe('invalid_welcome');
  }),
);

test('receiveMessage refuses, and leaves the group as it was in every byte', { timeout: TIMEOUT_MS }, async () => {
  const before = encodeGroup(bob.group);
  const group: Group = bob.group;
  let refusals = 0;
  await fuzz(8_000, damaged(...messages, welcome), async (input, index) => {
    const outcome = await outcomeOf(() => receiveMessage(bob.engine, group, input));
    if (outcome.code !== undefined) {
      refusals += 1;
      expect(['decryption_failure', 'epoch_mismatch']).toContain(outcome.code);
      if (index % SAMPLE === 0) expect(equalBytes(encodeGroup(group), before)).toBe(true);
    } else if (outcome.value.kind === 'application') {
      expect(text(outcome.value.plaintext)).toBe('hello');
    } else {
      expect(nextAuthenticators).toContainEqual(epochAuthenticator(outcome.value.group));
    }
  });
  expect(refusals).toBeGreaterThan(0);
  expect(equalBytes(encodeGroup(group), before)).toBe(true);
  // As usable as it was.
  const { group: after } = await receiveMessage(bob.engine, group, defined(messages[1]));
  expect(after.epoch).toBe(group.epoch);
});

test('decodeGroup reads or says that the store is damaged', { timeout: TIMEOUT_MS }, () => {
  const stored = encodeGroup(bob.group);
  return fuzz(5_000, damaged(stored), async (input) => {
    const { code } = await outcomeOf(() => decodeGroup(bob.engine, input));
    expect([undefined, ...STORE_CODES]).toContain(code);
  });
});

test(
  'applyGroupDelta applies or says that the store is damaged, and changes no group',
  { timeout: TIMEOUT_MS },
  async () => {
    const group: Group = bob.group;
    const before = encodeGroup(group);
    await fuzz(8_000, damaged(delta), async (input, index) => {
      const { code } = await outcomeOf(() => applyGroupDelta(bob.engine, group, input));
      expect([undefined, ...STORE_CODES]).toContain(code);
      if (index % SAMPLE === 0) expect(equalBytes(encodeGroup(group), before)).toBe(true);
    });
    expect(equalBytes(encodeGroup(group), before)).toBe(true);
  },
);

test('decodeEnvelope reads or throws decryption_failure', { timeout: TIMEOUT_MS }, () =>
  fuzz(6_000, damaged(encodeEnvelope(utf8('hello')), encodeEnvelope(new Uint8Array(300))), async (input) => {
    const { code } = await outcomeOf(() => decodeEnvelope(input));
    expect([undefined, 'decryption_failure']).toContain(code);
  }),
);
