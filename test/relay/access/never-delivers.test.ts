import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import type { AccountId } from '../../../src/relay/access/index.ts';
import { answerFromWire } from '../../../src/transport/index.ts';
import { seedOfRun } from '../../support/seeded.ts';
import type { RawClient } from '../support/raw-client.ts';
import { commit, fresh, message } from '../support/submissions.ts';
import { A, B, C, pong, startGuardedRelay } from './support/guarded-relay.ts';
import type { GuardedRelay } from './support/guarded-relay.ts';

const ACCOUNTS: readonly AccountId[] = [A, B, C];
const CHANNELS = 2;
const KEY_PACKAGES = 3;
/** Of the connections, two for each account. */
const CONNECTIONS = 2 * ACCOUNTS.length;

type Operation =
  | { readonly kind: 'subscribe' | 'publish'; readonly by: number; readonly channel: number }
  | { readonly kind: 'commit'; readonly by: number; readonly channel: number; readonly welcomes: number }
  | { readonly kind: 'await'; readonly by: number; readonly keyPackage: number }
  | { readonly kind: 'renew'; readonly by: number; readonly scope: string }
  | { readonly kind: 'admit' | 'expel'; readonly account: number; readonly channel: number };

const by = fc.nat(CONNECTIONS - 1);
const channel = fc.nat(CHANNELS - 1);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), by, channel }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('publish' as const), by, channel }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), by, channel, welcomes: fc.nat(KEY_PACKAGES - 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('await' as const), by, keyPackage: fc.nat(KEY_PACKAGES - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('renew' as const),
      by,
      scope: fc.constantFrom('create read write commit', 'create write commit', 'read'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('admit' as const, 'admit' as const, 'expel' as const),
      account: fc.nat(ACCOUNTS.length - 1),
      channel,
    }),
  },
);
/** What is done at the same time. */
const round = fc.array(operation, { minLength: 1, maxLength: 5 });

/** What fired, over all runs: a property that nothing exercises proves nothing. */
const fired = {
  delivers: 0,
  welcomes: 0,
  refusedSubscriptions: 0,
  refusedWelcomes: 0,
  refusedPublishes: 0,
  expelled: 0,
};

interface Connection {
  readonly client: RawClient;
  readonly account: AccountId;
  /** Whether its token allowed to read at any time of the round. */
  mayRead: boolean;
  mayReadNext: boolean;
  /** Channel of each subscription, by its number. */
  readonly subscriptions: Map<number, ChannelName>;
  /** Frames that were judged. */
  seen: number;
}

/** What the relay should know: kept by the answers that it gave, not by its own tables. */
class World {
  readonly relay: GuardedRelay;
  readonly channels: readonly ChannelName[];
  readonly keyPackages: readonly Uint8Array[];
  readonly connections: Connection[] = [];
  /** Who is or was a member in this round, by channel. */
  readonly members = new Map<ChannelName, Set<AccountId>>();
  readonly welcomed = new Map<string, AccountId>();
  /** Who leaves when the round is over, unless it comes back within it. */
  #leaving: { readonly name: ChannelName; readonly account: AccountId }[] = [];

  constructor(relay: GuardedRelay, run: number) {
    this.relay = relay;
    this.channels = Array.from({ length: CHANNELS }, (_, index) => parseChannelName(`acme/run-${run}/c-${index}`));
    this.keyPackages = Array.from({ length: KEY_PACKAGES }, () => fresh(32));
  }

  async connect(): Promise<void> {
    for (let index = 0; index < CONNECTIONS; index += 1) {
      const account = ACCOUNTS[index % ACCOUNTS.length]!;
      const client = await this.relay.connect(account);
      this.connections.push({ client, account, mayRead: true, mayReadNext: true, subscriptions: new Map(), seen: 0 });
    }
  }

  /** Does it, and resolves when the relay has answered. */
  async perform(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case 'subscribe': {
        const { client, subscriptions } = this.connections[operation.by]!;
        const name = this.channels[operation.channel]!;
        const id = subscriptions.size + 1;
        subscriptions.set(id, name);
        client.subscribe(id, { afterSeq: 0 }, 1000, name);
        return;
      }
      case 'publish':
      case 'commit': {
        const { client, account } = this.connections[operation.by]!;
        const name = this.channels[operation.channel]!;
        const epoch = (await this.relay.engine.state(name))?.epoch ?? 0n;
        const welcomes =
          operation.kind === 'commit'
            ? [{ keyPackageRefs: [this.keyPackages[operation.welcomes]!], payload: fresh(20) }]
            : [];
        const submission = operation.kind === 'commit' ? commit(epoch, welcomes) : message(epoch);
        const { answers } = await client.published([submission], { channel: name });
        const [answer] = answers.map(answerFromWire);
        if (answer?.kind === 'accepted' && !this.members.has(name)) this.#join(name, account);
        if (answer?.kind === 'refused' && answer.reason === 'unauthorized') fired.refusedPublishes += 1;
        return;
      }
      case 'await': {
        const keyPackageRef = this.keyPackages[operation.keyPackage]!;
        this.connections[operation.by]!.client.send({ case: 'awaitWelcome', value: { keyPackageRef } });
        return;
      }
      case 'renew': {
        const connection = this.connections[operation.by]!;
        const mayRead = operation.scope.includes('read');
        connection.mayRead ||= mayRead;
        connection.mayReadNext = mayRead;
        const token = this.relay.token(connection.account, { scope: operation.scope });
        connection.client.send({ case: 'authenticate', value: { token } });
        await connection.client.next('authenticated');
        return;
      }
      case 'admit':
      case 'expel': {
        const [name, account] = [this.channels[operation.channel]!, ACCOUNTS[operation.account]!];
        if (operation.kind === 'admit') {
          // From before it is done: it may be seen before it is answered.
          const isKnown = this.members.has(name);
          if (await this.relay.engine.admit(name, account)) this.#join(name, account);
          else expect(isKnown).toBe(false);
        } else if (await this.relay.engine.expel(name, account)) {
          fired.expelled += 1;
          this.#leaving.push({ name, account });
        }
      }
    }
  }

  /** Waits until nothing is under way, and judges what came. */
  async judge(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      for (const { client } of this.connections) await pong(client);
      await this.relay.engine.access(this.channels[0]!, A);
    }
    // A Welcome admits: first those, then what was read.
    for (const connection of this.connections) this.#judgeWelcomes(connection);
    for (const connection of this.connections) this.#judgeDelivers(connection);
    for (const { name, account } of this.#leaving.splice(0)) this.members.get(name)?.delete(account);
    for (const connection of this.connections) connection.mayRead = connection.mayReadNext;
  }

  #judgeWelcomes({ client, account, mayRead, seen }: Connection): void {
    for (const frame of client.frames.slice(seen)) {
      if (frame.case === 'welcomeRefused') fired.refusedWelcomes += 1;
      if (frame.case !== 'welcome') continue;
      fired.welcomes += 1;
      expect(mayRead).toBe(true);
      const ref = toHex(frame.value.keyPackageRef);
      expect(this.welcomed.get(ref) ?? account).toBe(account);
      this.welcomed.set(ref, account);
      this.#join(frame.value.channel as ChannelName, account);
    }
  }

  #judgeDelivers(connection: Connection): void {
    const { client, account, mayRead, subscriptions, seen } = connection;
    for (const frame of client.frames.slice(seen)) {
      if (frame.case === 'subscriptionRefused') fired.refusedSubscriptions += 1;
      if (frame.case !== 'deliver') continue;
      fired.delivers += 1;
      const name = subscriptions.get(frame.value.subscription);
      const members = name === undefined ? undefined : this.members.get(name);
      expect({ account, mayRead, isMember: members?.has(account) }).toEqual({ account, mayRead: true, isMember: true });
    }
    connection.seen = client.frames.length;
  }

  #join(name: ChannelName, account: AccountId): void {
    this.#leaving = this.#leaving.filter((leaver) => leaver.name !== name || leaver.account !== account);
    const members = this.members.get(name) ?? new Set();
    this.members.set(name, members.add(account));
  }
}

test('a connection without the right is never sent an entry or a Welcome, whatever everybody does', async () => {
  const relay = await startGuardedRelay({ engine: 'sqlite', limits: { maxChannels: 100_000, maxConnections: 1000 } });
  let runs = 0;
  const seed = seedOfRun();
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 10, maxLength: 30 }), async (rounds) => {
      runs += 1;
      const world = new World(relay, runs);
      await world.connect();
      try {
        for (const operations of rounds) {
          await Promise.all(operations.map((operation) => world.perform(operation)));
          await world.judge();
        }
      } finally {
        for (const { client } of world.connections) client.close();
      }
    }),
    { seed, numRuns: 25, interruptAfterTimeLimit: 8000, markInterruptAsFailure: false },
  );
  console.info(`${runs} runs:`, fired);
  for (const count of Object.values(fired)) expect(count).toBeGreaterThan(0);
});
