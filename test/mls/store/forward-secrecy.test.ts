import { NO_PINS } from '../../../src/mls/identity-pins.ts';
import { NO_ADMISSIONS } from '../../../src/mls/index.ts';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { deriveKey, deriveNonce } from 'ts-mls/secretTree.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { copyBytes } from '../../../src/base/bytes.ts';
import { engineParts } from '../../../src/mls/engine.ts';
import { stateOf } from '../../../src/mls/group-state.ts';
import { eraseSpent, receiveMessage } from '../../../src/mls/index.ts';
import type { Group } from '../../../src/mls/index.ts';
import { decodeKeyPackageSecret } from '../../../src/mls/key-package-secret.ts';
import { mlsGroupCodec, openDataDirectory } from '../../../src/mls/store/index.ts';
import type { AgentStore, ChannelRecord, DataDirectoryOptions, StateKey } from '../../../src/mls/store/index.ts';
import { Agent, CHANNEL, commit, defined, groupOf, utf8 } from '../agents.ts';
import { bytesOf } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { copyOf, holds, plunder } from './plunder.ts';
import { hasSqlite, temporaryDirectory } from './stores.ts';

/** A secret that must not be found once it is spent. */
interface Secret {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** What the ratchet of a leaf gives away: every later key, and key and nonce of the next message. */
async function ratchetSecrets(agent: Agent, leaf: number, what: string): Promise<Secret[]> {
  const { crypto } = engineParts(agent.engine);
  const { application } = defined(stateOf(agent.group).secretTree[2 * leaf]);
  const { secret, generation } = application;
  return [
    { what: `${what}: ratchet secret`, bytes: copyBytes(secret) },
    { what: `${what}: key`, bytes: await deriveKey(secret, generation, crypto) },
    { what: `${what}: nonce`, bytes: await deriveNonce(secret, generation, crypto) },
  ];
}

/** What an epoch keeps that is older than it: its ratchets and its keys for sender data and for joining. */
function epochSecrets(group: Group, what: string): Secret[] {
  const { keySchedule, secretTree, privatePath } = stateOf(group);
  const { initSecret, senderDataSecret, exporterSecret, resumptionPsk } = keySchedule;
  const ratchets = [0, 2, 4].flatMap((node) => (secretTree[node] ? [secretTree[node].application.secret] : []));
  return [
    ...[initSecret, senderDataSecret, exporterSecret, resumptionPsk].map((bytes) => ({
      what,
      bytes: copyBytes(bytes),
    })),
    ...ratchets.map((bytes) => ({ what: `${what}: ratchet`, bytes: copyBytes(bytes) })),
    ...Object.values(privatePath.privateKeys).map((bytes) => ({ what: `${what}: path`, bytes: copyBytes(bytes) })),
  ];
}

/** An agent on a data directory, which saves as the channel actor does: what is spent is erased in memory, too. */
class StoredAgent {
  readonly agent: Agent;
  readonly path: string;
  readonly clock: ManualClock = new ManualClock();
  readonly #key: StateKey | undefined;
  #store: AgentStore | undefined;
  #saved: Group | undefined;

  constructor(agent: Agent, key: StateKey | undefined, path: string = temporaryDirectory()) {
    this.agent = agent;
    this.path = path;
    this.#key = key;
  }

  get store(): AgentStore {
    return defined(this.#store);
  }

  async open(options: Partial<DataDirectoryOptions> = {}): Promise<void> {
    const { clock } = this;
    const codec = mlsGroupCodec(this.agent.engine);
    const { store } = await openDataDirectory(this.path, { codec, clock, key: this.#key, ...options });
    onTestFinished(() => store.close());
    this.#store = store;
  }

  async save(changes: Partial<ChannelRecord> = {}): Promise<void> {
    const { group } = this.agent;
    await this.store.saveChannel({
      name: CHANNEL,
      group,
      idKey: bytesOf(1, 32),
      cursor: { afterSeq: 0 },
      outbox: [],
      journal: [],
      pendingCommit: undefined,
      commitSpentInEpoch: undefined,
      admissions: NO_ADMISSIONS,
      pins: NO_PINS,
      ...changes,
    });
    if (this.#saved !== undefined && this.#saved !== group) eraseSpent(this.#saved, [group]);
    this.#saved = group;
  }

  /** Lets the bound pass, and waits for what it sets off. */
  async boundPasses(): Promise<void> {
    this.clock.advance(1000);
    await new Promise(setImmediate);
    // Behind the fold in the channel's queue.
    await this.store.loadChannel(CHANNEL);
  }

  /** What of `secrets` somebody finds in a copy of the directory, with the state key. */
  async findable(secrets: readonly Secret[]): Promise<string[]> {
    const loot = await plunder(copyOf(this.path), this.#key);
    return secrets.filter(({ bytes }) => holds(loot, bytes)).map(({ what }) => what);
  }

  /** How many of these messages a client on a copy of the directory can read. */
  async readable(messages: readonly Uint8Array[]): Promise<number> {
    const codec = mlsGroupCodec(this.agent.engine);
    const { store } = await openDataDirectory(copyOf(this.path), { codec, clock: new ManualClock(), key: this.#key });
    const { group } = defined(await store.loadChannel(CHANNEL));
    let count = 0;
    for (const message of messages) {
      const received = await receiveMessage(this.agent.engine, group, message).catch(() => undefined);
      if (received?.kind === 'application') count += 1;
    }
    await store.close();
    return count;
  }
}

const protections: readonly (readonly [string, StateKey | undefined])[] = [
  ['a data directory', undefined],
  ['an encrypted data directory whose key is known', bytesOf(11, 32)],
];

describe.runIf(hasSqlite).each(protections)('%s', (_, key) => {
  test('gives away no message a second after it was sent or read, and none of its keys', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const stored = new StoredAgent(bob, key);
    await stored.open();
    await stored.save();
    const spent: Secret[] = [];
    const received: Uint8Array[] = [];
    for (let round = 0; round < 8; round += 1) {
      const text = `round ${round} says something that nobody else does`;
      const isOwn = round % 2 === 0;
      spent.push(...(await ratchetSecrets(bob, bob.leafOf(isOwn ? bob : alice), `round ${round}`)));
      spent.push({ what: `round ${round}: plaintext`, bytes: utf8(text) });
      const outbox = isOwn ? [{ messageId: bytesOf(round, 16), payload: utf8(text) }] : [];
      if (isOwn) await alice.read(await bob.send(text));
      else {
        received.push(await alice.send(text));
        await bob.read(defined(received.at(-1)));
      }
      await stored.save({ outbox });
    }
    await stored.save();
    // The search works: until the bound, the secrets are there, and the ratchet can be turned on from the head.
    expect(await stored.findable(spent)).toContain('round 0: ratchet secret');
    expect(await stored.findable(spent)).toContain('round 6: plaintext');

    await stored.boundPasses();
    expect(await stored.findable(spent)).toEqual([]);
    expect(await stored.readable(received)).toBe(0);
    // What was not spent is there: the agent can go on, and so could a thief.
    const next = await alice.send('next');
    expect(await stored.readable([next])).toBe(1);
    expect(await bob.read(next)).toBe('next');
  });

  test('gives away nothing of what the database leaves behind of rows that were deleted', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const stored = new StoredAgent(bob, key);
    await stored.open();
    const bundle = await bob.keyPackage();
    await stored.store.saveKeyPackage(bundle);
    await stored.save();
    const ratchet = await ratchetSecrets(bob, bob.leafOf(alice), 'before');
    const spent = [...ratchet, { what: 'key package', bytes: decodeKeyPackageSecret(bundle.secret).initPrivateKey }];
    await bob.read(await alice.send('one'));
    await stored.save();
    // Every row as it was, in the place of remnants of it, with the keys that are there after the bound.
    const remnants = copyOf(stored.path);
    const canRead = async (): Promise<string[]> => {
      const loot = await plunder(remnants, key);
      return spent.filter(({ bytes }) => holds(loot, bytes)).map(({ what }) => what);
    };
    expect(await canRead()).toEqual(['before: ratchet secret', 'key package']);
    await stored.store.deleteKeyPackage(bundle.ref);
    await stored.boundPasses();
    cpSync(join(copyOf(stored.path), 'agent.keys'), join(remnants, 'agent.keys'));
    expect(await canRead()).toEqual([]);
  });

  test('gives away nothing of what a crash left unfolded, a second after the next start', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const stored = new StoredAgent(bob, key);
    await stored.open();
    await stored.save();
    const spent = await ratchetSecrets(bob, bob.leafOf(alice), 'before the crash');
    const message = await alice.send('one');
    await bob.read(message);
    await stored.save();
    // As a crash leaves it: a copy of what is open.
    const next = new StoredAgent(bob, key, copyOf(stored.path));
    await next.open();
    expect(await next.findable(spent)).toContain('before the crash: ratchet secret');
    // Nobody loads the channel this time.
    await next.boundPasses();
    expect(await next.findable(spent)).toEqual([]);
    expect(await next.readable([message])).toBe(0);
  });

  test('forgets an epoch when it is older than those that late messages may be of', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const stored = new StoredAgent(bob, key);
    await stored.open();
    await stored.save();
    const spent = epochSecrets(bob.group, 'first epoch');
    const late = await alice.send('late');
    for (let epoch = 0; epoch < 4; epoch += 1) {
      await commit(alice, [bob, carol], { rotate: true });
      await stored.save();
    }
    expect(await stored.readable([late]), 'is kept for late messages').toBe(1);
    await commit(alice, [bob, carol], { rotate: true });
    await stored.save();
    await stored.boundPasses();
    // A path key lives as long as its subtree is not rekeyed: bob has not rotated.
    const own = Object.values(stateOf(bob.group).privatePath.privateKeys).map((bytes) => bytes.toString());
    const gone = spent.filter(({ bytes }) => !own.includes(bytes.toString()));
    expect(gone.length).toBeGreaterThan(6);
    expect(await stored.findable(gone)).toEqual([]);
    expect(await stored.readable([late])).toBe(0);
  });

  test('forgets the private keys of a key package with its use', async () => {
    const bob = await Agent.named('bob');
    const stored = new StoredAgent(bob, key);
    await stored.open();
    const bundle = await bob.keyPackage();
    const { initPrivateKey, hpkePrivateKey } = decodeKeyPackageSecret(bundle.secret);
    const spent = [
      { what: 'init key', bytes: initPrivateKey },
      { what: 'leaf key', bytes: hpkePrivateKey },
    ];
    await stored.store.saveKeyPackage(bundle);
    expect(await stored.findable(spent)).toEqual(['init key', 'leaf key']);
    await stored.store.deleteKeyPackage(bundle.ref);
    expect(await stored.findable(spent)).toEqual([]);
  });
});
