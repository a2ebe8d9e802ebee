import fc, { type Scheduler } from 'fast-check';
import { expect, test } from 'vitest';
import { startChannel } from '../../../src/actors/channel/index.ts';
import { type Channel, type ChannelEvent, createMemoryRelay, type MemoryRelay } from '../../../src/index.ts';
import {
  type AgentKeys,
  type ChannelRecord,
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  decodeGroup,
  encodeGroup,
  groupMembers,
  groupTag,
  joinGroup,
  makeEpochStatement,
  type MlsEngine,
  newGroupId,
  NO_ADMISSIONS,
  NO_PINS,
  pinMembers,
  settleCommit,
} from '../../../src/mls/index.ts';
import { yieldTurn } from '../../../src/streams/index.ts';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/seeded.ts';
import { bytes, text } from '../../support/swarm.ts';

const RUNS = 1000;
const NAME = parseChannelName('acme/research/summarizer');
const AGENTS = ['alice', 'bob'] as const;
type Name = (typeof AGENTS)[number];

/** What alice and bob have when alice has added bob; epoch 1. Made once, because groups are costly to make. */
interface Template {
  readonly engine: MlsEngine;
  readonly keys: Record<Name, AgentKeys>;
  readonly groups: Record<Name, Uint8Array>;
  readonly groupId: Uint8Array;
  readonly commit: Uint8Array;
}

async function makeTemplate(): Promise<Template> {
  const engine = await createMlsEngine();
  const nowMs = new ManualClock().now();
  const keys = {
    alice: await createAgentKeys(engine, bytes('alice')),
    bob: await createAgentKeys(engine, bytes('bob')),
  };
  const groupId = newGroupId(NAME, new Uint8Array(16));
  const founded = await createGroup(engine, { groupId, keys: keys.alice, nowMs });
  const bundle = await createKeyPackage(engine, keys.bob, nowMs);
  const { commit, welcome, next } = await commitChange(engine, founded, { add: [bundle.keyPackage] }, 'private', nowMs);
  if (welcome === undefined) throw new Error('who adds somebody makes a Welcome');
  const joined = await joinGroup(engine, { welcome, bundle, keys: keys.bob, nowMs, pins: NO_PINS });
  const groups = { alice: encodeGroup(settleCommit(founded, next)), bob: encodeGroup(joined) };
  return { engine, keys, groups, groupId, commit };
}

/** Keeps one channel. Each write takes until the scheduler says so, and the next one fails if it is told to. */
class ScheduledStore {
  saved: ChannelRecord;
  failures = 0;
  failsNext = false;
  readonly #scheduler: Scheduler;

  constructor(record: ChannelRecord, scheduler: Scheduler) {
    this.saved = record;
    this.#scheduler = scheduler;
  }

  async saveChannel(record: ChannelRecord): Promise<void> {
    const fails = this.failsNext;
    this.failsNext = false;
    await this.#scheduler.schedule(Promise.resolve(), 'write');
    if (fails) {
      this.failures += 1;
      throw new Error('injected');
    }
    this.saved = record;
  }

  loadChannel(): Promise<ChannelRecord> {
    return Promise.resolve(this.saved);
  }
}

interface Member {
  readonly channel$: Channel;
  readonly store: ScheduledStore;
  readonly sends: Promise<unknown>[];
  readonly commits: Promise<unknown>[];
  /** What each of two subscribers has seen. */
  readonly views: [ChannelEvent[], ChannelEvent[]];
  completions: number;
  sent: number;
}

type Broken = (promise: string) => void;

function seqOfSaved({ cursor }: ChannelRecord): number {
  return 'afterSeq' in cursor ? cursor.afterSeq : 0;
}

function start(
  template: Template,
  name: Name,
  relay: MemoryRelay,
  clock: ManualClock,
  s: Scheduler,
  seed: number,
): Member {
  const { engine, keys } = template;
  const group = decodeGroup(engine, template.groups[name]);
  const { pins } = pinMembers(NO_PINS, groupMembers(group));
  const record: ChannelRecord = {
    name: NAME,
    group,
    idKey: new Uint8Array(32).fill(name.length),
    cursor: { afterSeq: 1 },
    outbox: [],
    journal: [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    pins,
    admissions: NO_ADMISSIONS,
  };
  const store = new ScheduledStore(record, s);
  const fraction = seededRandom(seed + name.length);
  const random = {
    fraction,
    bytes: (length: number) => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)),
  };
  const channel$ = startChannel(record, {
    engine,
    store: store,
    transport: relay.connect(),
    clock,
    random,
    stateEpoch: (current) => makeEpochStatement(engine, keys[name], current),
  });
  return { channel$, store, sends: [], commits: [], views: [[], []], completions: 0, sent: 0 };
}

/** Subscribes twice; the first subscriber answers from inside its handler. */
function listen(member: Member, broken: Broken): void {
  const { channel$, store, views } = member;
  let epoch = channel$.state$.value.epoch;
  channel$.events$.subscribe({
    next: (event) => {
      views[0].push(event);
      const { state$ } = channel$;
      if (event.kind === 'epoch-change') {
        if (event.epoch !== epoch + 1n) broken('epochs come one by one');
        if (state$.value.epoch < event.epoch) broken('state first');
        epoch = event.epoch;
      }
      if (event.kind !== 'message') return;
      if (event.epoch > epoch) broken('no message of n+1 before the change to n+1');
      if (seqOfSaved(store.saved) < event.seq) broken('durable before visible');
      if (text(event.payload).startsWith('ask')) say(member, `answer ${text(event.payload)}`);
    },
    complete: () => (member.completions += 1),
    error: () => broken('streams never error'),
  });
  channel$.events$.subscribe({ next: (event) => views[1].push(event), complete: () => (member.completions += 1) });
  let seq = 0;
  channel$.state$.subscribe((state) => {
    if (state.seq < seq) broken('the position never goes back');
    seq = state.seq;
  });
}

function say(member: Member, what: string): void {
  member.sent += 1;
  const sending = member.channel$.send(bytes(what));
  sending.catch(() => undefined);
  member.sends.push(sending);
}

const step = fc.record({
  who: fc.constantFrom(...AGENTS),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('send' as const) },
    { weight: 3, arbitrary: fc.constant('ask' as const) },
    { weight: 2, arbitrary: fc.constant('commit' as const) },
    { weight: 2, arbitrary: fc.constantFrom('interrupt' as const, 'lose-answer' as const, 'fail-write' as const) },
  ),
});

const heardBy = ({ views: [view] }: Member): string[] =>
  view.flatMap((event) => (event.kind === 'message' ? [text(event.payload)] : []));

/**
 * Whatever the order in which writes end, answers come and connections break: both subscribers of both members see the promises
 * kept that DESIGN.md makes for a channel.
 */
test(`keeps its promises under ${RUNS} random schedules`, async () => {
  const template = await makeTemplate();
  const fired = { messages: 0, epochs: 0, crashes: 0, interruptions: 0, lostAnswers: 0, raced: 0 };
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 3, maxLength: 12 }),
    fc.scheduler(),
    fc.nat(),
    async (steps, s, seed) => {
      const clock = new ManualClock();
      const relay = createMemoryRelay({ clock });
      const founding = relay.connect();
      const log = founding.open({
        channel: NAME,
        group: groupTag(template.groupId),
        start: { afterSeq: 0 },
        credit: 1,
      });
      const messageId = new Uint8Array(16).fill(1);
      await log.publish([{ kind: 'commit', epoch: 0n, messageId, payload: template.commit }]);
      await founding.close();
      const kept: string[] = [];
      const broken: Broken = (promise) => kept.push(promise);
      const members = {
        alice: start(template, 'alice', relay, clock, s, seed),
        bob: start(template, 'bob', relay, clock, s, seed),
      };
      const all = Object.values(members);
      for (const member of all) listen(member, broken);

      const act = (who: Name, what: (typeof steps)[number]['what'], index: number): void => {
        const member = members[who];
        if (what === 'send' || what === 'ask') say(member, `${what} ${who} ${index}`);
        if (what === 'commit') {
          const committing = member.channel$.commit({ rotate: true });
          committing.catch(() => undefined);
          member.commits.push(committing);
        }
        if (what === 'fail-write') member.store.failsNext = true;
        if (what === 'interrupt') {
          relay.interrupt();
          relay.restore();
          fired.interruptions += 1;
        }
        if (what === 'lose-answer') {
          relay.loseNextAnswer();
          fired.lostAnswers += 1;
        }
      };
      const sequence = s.scheduleSequence(
        steps.map(({ who, what }, index) => ({
          label: `${who} ${what}`,
          builder: async () => {
            act(who, what, index);
            await Promise.resolve();
          },
        })),
      );
      const coin = seededRandom(seed);
      const drive = async (isDone: () => boolean): Promise<void> => {
        for (let turns = 0; !isDone(); turns += 1) {
          if (turns > 50_000) throw new Error(`nothing moves: ${JSON.stringify(all.map(heardBy))}`);
          if (s.count() > 0) await s.waitOne();
          else clock.advance(50);
          if (s.count() === 0 || coin() < 0.5) await yieldTurn();
        }
      };
      const settled = new Set<Promise<unknown>>();
      const track = (promises: readonly Promise<unknown>[]): void => {
        for (const promise of promises) void promise.then(() => settled.add(promise));
      };
      await drive(() => {
        if (!sequence.done) return false;
        const promises = all.flatMap(({ sends, commits }) => [...sends, ...commits]);
        track(promises.filter((promise) => !settled.has(promise)));
        const isHeard =
          heardBy(members.alice).length === members.bob.sent && heardBy(members.bob).length === members.alice.sent;
        const [one, other] = all.map(({ channel$ }) => channel$.state$.value);
        return isHeard && one?.seq === other?.seq && promises.every((promise) => settled.has(promise));
      });

      // One total order, for two subscribers and for both members; nothing lost, nothing twice, each caller's order kept.
      for (const { views } of all) {
        expect(views[1]).toEqual(views[0]);
        const seqs = views[0].flatMap((event) => ('seq' in event ? [event.seq] : []));
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      }
      for (const [who, other] of [
        ['alice', 'bob'],
        ['bob', 'alice'],
      ] as const) {
        const heard = heardBy(members[other]);
        expect(new Set(heard).size).toBe(heard.length);
        const own = steps.flatMap(({ who: author, what }, index) =>
          author === who && (what === 'send' || what === 'ask') ? [`${what} ${who} ${index}`] : [],
        );
        expect(heard.filter((line) => !line.startsWith('answer'))).toEqual(own);
        const answers = heardBy(members[who]).filter((line) => line.startsWith('ask'));
        expect(heard.filter((line) => line.startsWith('answer'))).toEqual(answers.map((line) => `answer ${line}`));
      }
      expect(members.alice.channel$.state$.value.epoch).toBe(members.bob.channel$.state$.value.epoch);
      expect(members.alice.channel$.state$.value.epochAuthenticator).toEqual(
        members.bob.channel$.state$.value.epochAuthenticator,
      );

      // Streams complete once; what is asked afterwards is refused; nothing is left. A last write that fails is told by `stop`.
      for (const { store } of all) store.failsNext = false;
      let stopped = 0;
      for (const { channel$ } of all) void channel$.stop().then(() => (stopped += 1));
      await drive(() => stopped === all.length);
      for (const { channel$, completions } of all) {
        expect(completions).toBe(2);
        expect(channel$.status$.value).toBe('stopped');
        await expect(channel$.send(bytes('late'))).rejects.toMatchObject({ code: 'channel_closed' });
      }
      expect(clock.waiting).toBe(0);
      expect(kept).toEqual([]);
      fired.messages += all.reduce((sum, member) => sum + heardBy(member).length, 0);
      fired.crashes += all.reduce((sum, { store }) => sum + store.failures, 0);
      fired.epochs += Number(members.alice.channel$.state$.value.epoch) - 1;
      if (all.every(({ commits }) => commits.length > 0)) fired.raced += 1;
    },
  );
  const result = await fc.check(property, {
    numRuns: RUNS,
    ...(process.env['SEED'] && { seed: Number(process.env['SEED']) }),
  });
  console.log(`seed ${result.seed}: ${JSON.stringify(fired)}`);
  if (result.failed) throw new Error(fc.defaultReportMessage(result), { cause: result.errorInstance });
  for (const count of Object.values(fired)) expect(count).toBeGreaterThan(0);
}, 600_000);
