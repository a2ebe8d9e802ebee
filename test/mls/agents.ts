import { parseChannelName } from '../../src/base/channel-name.ts';
import type { ChannelName } from '../../src/base/channel-name.ts';
import { equalBytes } from '../../src/base/bytes.ts';
import {
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  encryptMessage,
  groupMembers,
  joinGroup,
  newGroupId,
  receiveMessage,
} from '../../src/mls/index.ts';
import type {
  AgentKeys,
  CommitFraming,
  Group,
  GroupChange,
  KeyPackageBundle,
  MlsEngine,
  Received,
  StagedCommit,
} from '../../src/mls/index.ts';

/** When the tests take place. Far from the machine's clock, so that a step that asks the machine fails. */
export const NOW: number = Date.UTC(2040, 0, 1);

export const CHANNEL: ChannelName = parseChannelName('acme/research/summarizer');

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** An agent as a test sees it: a name, keys, and the state of one group. */
export class Agent {
  readonly name: string;
  readonly engine: MlsEngine;
  readonly keys: AgentKeys;
  #group: Group | undefined;

  private constructor(name: string, engine: MlsEngine, keys: AgentKeys) {
    this.name = name;
    this.engine = engine;
    this.keys = keys;
  }

  static async named(name: string, engine?: MlsEngine): Promise<Agent> {
    const used = engine ?? (await createMlsEngine());
    return new Agent(name, used, await createAgentKeys(used, utf8(name)));
  }

  get group(): Group {
    if (this.#group === undefined) throw new Error(`${this.name} is in no group.`);
    return this.#group;
  }

  set group(group: Group) {
    this.#group = group;
  }

  async create(): Promise<void> {
    const groupId = newGroupId(CHANNEL, new Uint8Array(16).fill(7));
    this.group = await createGroup(this.engine, { groupId, keys: this.keys, nowMs: NOW });
  }

  keyPackage(): Promise<KeyPackageBundle> {
    return createKeyPackage(this.engine, this.keys, NOW);
  }

  stage(change: GroupChange, framing: CommitFraming = 'private'): Promise<StagedCommit> {
    return commitChange(this.engine, this.group, change, framing, NOW);
  }

  async join(welcome: Uint8Array, bundle: KeyPackageBundle): Promise<void> {
    this.group = await joinGroup(this.engine, { welcome, bundle, keys: this.keys, nowMs: NOW });
  }

  async send(message: string, authenticatedData: string = ''): Promise<Uint8Array> {
    const { group, ciphertext } = await encryptMessage(this.engine, this.group, utf8(message), utf8(authenticatedData));
    this.group = group;
    return ciphertext;
  }

  async receive(bytes: Uint8Array): Promise<Received> {
    const received = await receiveMessage(this.engine, this.group, bytes);
    this.group = received.group;
    return received;
  }

  /** The text of the next application message. */
  async read(bytes: Uint8Array): Promise<string> {
    const received = await this.receive(bytes);
    if (received.kind !== 'application') throw new Error(`Expected an application message, got a ${received.kind}.`);
    return text(received.plaintext);
  }

  /** The leaf of another agent in this agent's tree. */
  leafOf(other: Agent): number {
    const member = groupMembers(this.group).find(({ identity }) => equalBytes(identity, other.keys.identity));
    if (member === undefined) throw new Error(`${other.name} is no member.`);
    return member.leaf;
  }
}

/** Agents in one group, the first of them its creator, who added all others in one commit. */
export async function gather(...agents: readonly [Agent, ...Agent[]]): Promise<void> {
  const [creator, ...others] = agents;
  await creator.create();
  if (others.length > 0) await commit(creator, [], { joiners: others });
}

/** A change as a test speaks of it: by agents. */
export interface Change {
  readonly joiners?: readonly Agent[];
  readonly leavers?: readonly Agent[];
  readonly rotate?: true;
}

/** `committer` commits a change, `others` (those who stay) follow it, joiners join. */
export async function commit(
  committer: Agent,
  others: readonly Agent[],
  { joiners = [], leavers = [], rotate }: Change,
  framing: CommitFraming = 'private',
): Promise<StagedCommit> {
  const bundles = await Promise.all(joiners.map((joiner) => joiner.keyPackage()));
  const staged = await committer.stage(
    {
      add: bundles.map(({ keyPackage }) => keyPackage),
      remove: leavers.map((leaver) => committer.leafOf(leaver)),
      ...(rotate && { rotate }),
    },
    framing,
  );
  committer.group = staged.next;
  for (const agent of others) if (agent !== committer) await agent.receive(staged.commit);
  for (const [index, joiner] of joiners.entries()) {
    await joiner.join(defined(staged.welcome), defined(bundles[index]));
  }
  return staged;
}

/** `value`, which the test knows to be there. */
export function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Expected a value.');
  return value;
}

/** Agents of these names on one engine, in one group. */
export async function groupOf<const Names extends readonly [string, ...string[]]>(
  ...names: Names
): Promise<{ [Name in keyof Names]: Agent }> {
  const engine = await createMlsEngine();
  const agents = await Promise.all(names.map((name) => Agent.named(name, engine)));
  await gather(...(agents as [Agent, ...Agent[]]));
  return agents as { [Name in keyof Names]: Agent };
}
