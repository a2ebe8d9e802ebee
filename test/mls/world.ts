import { toHex } from '../../src/base/bytes.ts';
import {
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  encryptMessage,
  epochAuthenticator,
  eraseSpent,
  groupMembers,
  joinGroup,
  leavingMembers,
  newGroupId,
  proposeLeave,
  receiveMessage,
  settleCommit,
} from '../../src/mls/index.ts';
import type { AgentKeys, Group, GroupChange, KeyPackageBundle, MlsEngine } from '../../src/mls/index.ts';
import { CHANNEL, defined, NOW, text, utf8 } from './agents.ts';
import { GroupLog } from './group-log.ts';

/** An entry of the relay's log. */
type Entry =
  | { readonly kind: 'message'; readonly id: string; readonly epoch: bigint; readonly bytes: Uint8Array }
  | { readonly kind: 'leave'; readonly by: Instance; readonly bytes: Uint8Array }
  | { readonly kind: 'commit'; readonly id: string; readonly bytes: Uint8Array };

interface PendingCommit {
  readonly id: string;
  readonly epoch: bigint;
  readonly commit: Uint8Array;
  readonly next: GroupLog;
  readonly joining: ReadonlyMap<string, { readonly welcome: Uint8Array; readonly bundle: KeyPackageBundle }>;
}

/** All of a member that outlives a crash, but for the group. */
interface Kept {
  readonly cursor: number;
  readonly outbox: readonly Extract<Entry, { kind: 'message' }>[];
  readonly pending: PendingCommit | undefined;
  readonly commitSpentInEpoch: bigint | undefined;
  /** Ids of the messages that were read, in order. */
  readonly read: readonly string[];
  /** Own ids that are in the log. */
  readonly sent: number;
}

/** How often each thing happened that the tests are there for. */
export interface Counts {
  races: number;
  crashes: number;
  restages: number;
  removals: number;
  replacements: number;
  leaves: number;
  late: number;
  refreshed: number;
}

/** When a step is cut off by a crash. */
export type CrashPoint = 'never' | 'before-write' | 'after-write';

/** Epochs that a relay lets a message lie behind. */
const STALE_EPOCHS = 4n;

/**
 * One time of an agent in the group: from a join to a removal. It works as a channel does, on plain values: write first,
 * then let it be seen; follow the log; settle the own commit where it stands there.
 */
export class Instance {
  readonly name: string;
  readonly keys: AgentKeys;
  readonly #world: World;
  readonly #stored: GroupLog;
  #group: Group;
  #kept: Kept;
  #durable: Kept;
  /** Values between the one that was written last and the present one. */
  #passed: Group[] = [];

  constructor(world: World, keys: AgentKeys, group: Group, cursor: number) {
    this.#world = world;
    this.name = text(keys.identity);
    this.keys = keys;
    this.#stored = new GroupLog(world.engine, group);
    this.#group = group;
    this.#kept = { cursor, outbox: [], pending: undefined, commitSpentInEpoch: undefined, read: [], sent: 0 };
    this.#durable = this.#kept;
  }

  get group(): Group {
    return this.#group;
  }

  get read(): readonly string[] {
    return this.#kept.read;
  }

  get isAtEnd(): boolean {
    return !this.#group.isActive || this.#kept.cursor === this.#world.log.length;
  }

  get hasPending(): boolean {
    return this.#kept.pending !== undefined;
  }

  get isIdle(): boolean {
    return this.#kept.outbox.length === 0 && this.#kept.pending === undefined;
  }

  /** Starts over from what was written. */
  crash(): void {
    this.#world.counts.crashes++;
    this.#group = this.#stored.restore();
    this.#kept = this.#durable;
    this.#kept.pending?.next.restore();
    this.#passed = [];
  }

  async send(id: string, crash: CrashPoint): Promise<void> {
    const { group, ciphertext } = await encryptMessage(this.#world.engine, this.#group, utf8(id), utf8(id));
    const entry = { kind: 'message', id, epoch: group.epoch, bytes: ciphertext } as const;
    this.#to(group, { outbox: [...this.#kept.outbox, entry] });
    this.#write(crash);
    // What was not written never leaves, so the message is gone with its key.
    if (crash !== 'before-write') this.#world.senders.set(id, this);
  }

  /** Hands what waits to the relay, and reads and encrypts anew what has become too old. */
  async flush(): Promise<void> {
    for (let [entry] = this.#kept.outbox; entry !== undefined && this.#group.isActive; [entry] = this.#kept.outbox) {
      if (this.#world.takeMessage(entry)) {
        this.#kept = { ...this.#kept, outbox: this.#kept.outbox.slice(1) };
        continue;
      }
      await this.follow(Infinity, 'never');
      if (this.#isOut()) return;
      const { id } = entry;
      const { group, ciphertext } = await encryptMessage(this.#world.engine, this.#group, utf8(id), utf8(id));
      this.#to(group, {
        outbox: [{ kind: 'message', id, epoch: group.epoch, bytes: ciphertext }, ...this.#kept.outbox.slice(1)],
      });
      this.#write('never');
      this.#world.counts.refreshed++;
    }
  }

  #isOut(): boolean {
    return !this.#group.isActive;
  }

  async leave(crash: CrashPoint): Promise<void> {
    const framing = this.#kept.commitSpentInEpoch === this.#group.epoch ? 'public' : 'private';
    const { group, proposal } = await proposeLeave(this.#world.engine, this.#group, framing);
    this.#to(group, {});
    if (this.#write(crash)) this.#world.log.push({ kind: 'leave', by: this, bytes: proposal });
  }

  async stage(change: GroupChange, bundles: ReadonlyMap<string, KeyPackageBundle>, crash: CrashPoint): Promise<void> {
    const isSecond = this.#kept.commitSpentInEpoch === this.#group.epoch;
    if (isSecond) this.#world.counts.restages++;
    const framing = isSecond ? 'public' : 'private';
    const staged = await commitChange(this.#world.engine, this.#group, change, framing, NOW);
    const joining = new Map(
      [...bundles].map(([name, bundle]) => [name, { welcome: defined(staged.welcome), bundle }] as const),
    );
    const pending: PendingCommit = {
      id: this.#world.newId('commit'),
      epoch: staged.epoch,
      commit: staged.commit,
      next: new GroupLog(this.#world.engine, staged.next),
      joining,
    };
    this.#to(this.#group, { pending, commitSpentInEpoch: staged.epoch });
    this.#write(crash);
  }

  /** Hands the pending commit to the relay, which takes the first of an epoch. */
  async publish(): Promise<void> {
    const { pending } = this.#kept;
    if (pending !== undefined) await this.#world.takeCommit(this, pending);
  }

  /** Gives up a commit that has not won, as somebody does who no longer wants the change. */
  abandon(): void {
    const { pending } = this.#kept;
    if (pending === undefined || this.#world.hasCommit(pending.id)) return;
    this.#to(this.#group, { pending: undefined });
    this.#write('never');
  }

  /** Reads up to `limit` entries and writes what came of it. */
  async follow(limit: number, crash: CrashPoint): Promise<void> {
    for (let count = 0; count < limit && !this.isAtEnd; count++) {
      const entry = defined(this.#world.log[this.#kept.cursor]);
      await this.#take(entry);
      this.#kept = { ...this.#kept, cursor: this.#kept.cursor + 1 };
    }
    this.#write(crash);
  }

  async #take(entry: Entry): Promise<void> {
    const { engine, senders, counts } = this.#world;
    const { pending, read } = this.#kept;
    if (entry.kind === 'commit' && entry.id === pending?.id) {
      this.#to(settleCommit(this.#group, pending.next.current), { pending: undefined });
      return;
    }
    if (entry.kind === 'leave' && entry.by === this) return;
    if (entry.kind === 'message' && senders.get(entry.id) === this) {
      this.#kept = { ...this.#kept, sent: this.#kept.sent + 1 };
      return;
    }
    try {
      const received = await receiveMessage(engine, this.#group, entry.bytes);
      if (received.kind === 'application' && entry.kind === 'message') {
        if (text(received.plaintext) !== entry.id) throw new Error(`${entry.id} says something else.`);
        if (entry.epoch < this.#group.epoch) counts.late++;
        this.#to(received.group, { read: [...read, entry.id] });
      } else if (received.kind === 'commit' && entry.kind === 'commit') {
        if (pending !== undefined) counts.races++;
        this.#to(received.group, { pending: undefined });
      } else if (received.kind === 'leave-proposed' && entry.kind === 'leave') {
        this.#to(received.group, {});
      } else {
        throw new Error(`A ${entry.kind} was read as ${received.kind}.`);
      }
    } catch (error) {
      // Messages from before the join, and wishes of past epochs, are not for us. At the end it is counted what was.
      if ((error as { code: string }).code !== 'epoch_mismatch' || entry.kind === 'commit') throw error;
    }
  }

  #to(group: Group, kept: Partial<Kept>): void {
    if (group !== this.#group) this.#passed.push(this.#group);
    this.#group = group;
    this.#kept = { ...this.#kept, ...kept };
  }

  /** Makes the present durable, unless a crash comes first. Answers whether the step goes on. */
  #write(crash: CrashPoint): boolean {
    if (crash !== 'before-write') {
      const lost = this.#durable.pending !== this.#kept.pending ? this.#durable.pending?.next.current : undefined;
      this.#stored.write(this.#group);
      this.#durable = this.#kept;
      const kept = [this.#group, ...(this.#kept.pending ? [this.#kept.pending.next.current] : [])];
      eraseSpent(
        [...this.#passed, ...(lost === undefined ? [] : [lost])].filter((group) => !kept.includes(group)),
        kept,
      );
      this.#passed = [];
    }
    if (crash !== 'never') this.crash();
    return crash === 'never';
  }
}

/** A relay's log with its rules, and everybody who was ever in the group. */
export class World {
  readonly engine: MlsEngine;
  readonly log: Entry[] = [];
  readonly instances: Instance[] = [];
  readonly senders: Map<string, Instance> = new Map<string, Instance>();
  readonly counts: Counts = {
    races: 0,
    crashes: 0,
    restages: 0,
    removals: 0,
    replacements: 0,
    leaves: 0,
    late: 0,
    refreshed: 0,
  };
  /** Who is in the group in each epoch, by name. */
  readonly #members: Map<bigint, ReadonlyMap<string, Instance>> = new Map<bigint, ReadonlyMap<string, Instance>>();
  readonly #keys: Map<string, AgentKeys> = new Map<string, AgentKeys>();
  /** For each message who has to read it. */
  readonly #readers: Map<string, readonly Instance[]> = new Map<string, readonly Instance[]>();
  #epoch = 0n;
  #ids = 0;

  private constructor(engine: MlsEngine) {
    this.engine = engine;
  }

  static async create(engine: MlsEngine): Promise<World> {
    const world = new World(engine);
    const keys = await world.keysOf('agent-0');
    const groupId = newGroupId(CHANNEL, new Uint8Array(16).fill(7));
    const founder = new Instance(world, keys, await createGroup(engine, { groupId, keys, nowMs: NOW }), 0);
    world.instances.push(founder);
    world.#members.set(0n, new Map([[founder.name, founder]]));
    return world;
  }

  /** Members by the log, whether they know it or not. */
  get members(): readonly Instance[] {
    return [...defined(this.#members.get(this.#epoch)).values()];
  }

  /** Those who believe that they are members. */
  get active(): readonly Instance[] {
    return this.instances.filter(({ group }) => group.isActive);
  }

  get names(): readonly string[] {
    return [...this.#keys.keys()];
  }

  newId(kind: string): string {
    return `${kind} ${this.#ids++}`;
  }

  async keysOf(name: string): Promise<AgentKeys> {
    const keys = this.#keys.get(name) ?? (await createAgentKeys(this.engine, utf8(name)));
    this.#keys.set(name, keys);
    return keys;
  }

  async keyPackageOf(name: string): Promise<KeyPackageBundle> {
    return createKeyPackage(this.engine, await this.keysOf(name), NOW);
  }

  hasCommit(id: string): boolean {
    return this.log.some((entry) => entry.kind === 'commit' && entry.id === id);
  }

  /** Appends a message, once. False for one of an epoch that is too far back. */
  takeMessage(entry: Extract<Entry, { kind: 'message' }>): boolean {
    if (this.#readers.has(entry.id)) return true;
    if (entry.epoch + STALE_EPOCHS < this.#epoch) return false;
    this.log.push(entry);
    const then = [...defined(this.#members.get(entry.epoch)).values()];
    const sender = this.senders.get(entry.id);
    this.#readers.set(
      entry.id,
      then.filter((instance) => instance !== sender && this.members.includes(instance)),
    );
    return true;
  }

  /** Appends a commit if it is the first of its epoch; those whom it adds join. */
  async takeCommit(committer: Instance, pending: PendingCommit): Promise<void> {
    if (pending.epoch !== this.#epoch || this.hasCommit(pending.id)) return;
    this.log.push({ kind: 'commit', id: pending.id, bytes: pending.commit });
    const before = defined(this.#members.get(this.#epoch));
    this.#epoch += 1n;
    const after = new Map<string, Instance>();
    for (const { identity } of groupMembers(pending.next.current)) {
      const name = text(identity);
      const invitation = pending.joining.get(name);
      if (invitation === undefined) {
        after.set(name, defined(before.get(name)));
        continue;
      }
      if (before.has(name)) this.counts.replacements++;
      const keys = await this.keysOf(name);
      const group = await joinGroup(this.engine, { ...invitation, keys, nowMs: NOW });
      const joiner = new Instance(this, keys, group, this.log.length);
      this.instances.push(joiner);
      after.set(name, joiner);
    }
    for (const [name, instance] of before) if (after.get(name) !== instance) this.counts.removals++;
    if (!after.has(committer.name)) throw new Error('A committer removed itself.');
    this.#members.set(this.#epoch, after);
  }

  /** Lets everybody finish: nothing waits, everybody has read everything, and who wants to leave has left. */
  async settle(): Promise<void> {
    await this.#catchUp();
    for (let round = 0; ; round++) {
      if (round > 20) throw new Error('The group does not come to rest.');
      const leavers = this.members.filter((member) => isLeaving(member, member));
      const stayers = this.members.filter((member) => !leavers.includes(member));
      const [committer] = stayers;
      if (leavers.length === 0 || committer === undefined) return;
      for (const leaver of leavers) if (!isLeaving(committer, leaver)) await leaver.leave('never');
      await this.#catchUp();
      this.counts.leaves += leavers.length;
      await committer.stage({}, new Map(), 'never');
      await committer.publish();
      await this.#catchUp();
    }
  }

  async #catchUp(): Promise<void> {
    do {
      for (const instance of this.active) await instance.publish();
      for (const instance of this.active) await instance.flush();
      for (const instance of this.active) await instance.follow(Infinity, 'never');
    } while (this.active.some((instance) => !instance.isAtEnd || !instance.isIdle));
  }

  /** What is wrong at the end, nothing if all is well. */
  objections(): readonly string[] {
    const objections: string[] = [];
    const authenticators = new Set(this.members.map(({ group }) => toHex(epochAuthenticator(group))));
    if (authenticators.size !== 1) objections.push(`${authenticators.size} authenticators`);
    if (this.active.length !== this.members.length) objections.push('somebody does not know that it is out');
    for (const [index, instance] of this.instances.entries()) {
      const due = [...this.#readers].filter(([, readers]) => readers.includes(instance)).map(([id]) => id);
      if (due.join() !== instance.read.join()) {
        objections.push(`instance ${index} of ${instance.name} read [${instance.read.join()}], not [${due.join()}]`);
      }
    }
    return objections;
  }
}

/** Whether `by` knows that `member` wants to leave. */
function isLeaving(by: Instance, member: Instance): boolean {
  return leavingMembers(by.group).some(({ identity }) => text(identity) === member.name);
}
