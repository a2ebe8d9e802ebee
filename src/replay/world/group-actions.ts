import { type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import type { ClientChannel } from '../../client/index.ts';
import type { Fault, FaultOf } from '../faults/fault.ts';
import type { AgentRunner } from './agent-runner.ts';
import { VirtualDisk } from './virtual-disk.ts';

/** What became of something that a plan did in the place of an agent: done, or why not. */
export interface ActionOutcome {
  readonly fault: Fault;
  readonly agent: string;
  readonly error: SkytaleError | undefined;
}

/** What a plan does in the place of agents. */
export type ActionFault = FaultOf<
  'commit-race' | 'remove-member' | 'removal-race' | 'bad-key-package' | 'second-process'
>;

/** A key package is good for 30 days. */
const EXPIRED_MS = 31 * 24 * 3600 * 1000;

const utf8 = new TextEncoder();

/** Does what a plan does in the place of agents, and writes down what came of it. */
export class GroupActions {
  readonly #agent: (name: string) => AgentRunner;
  readonly #outcomes: ActionOutcome[] = [];

  constructor(agent: (name: string) => AgentRunner) {
    this.#agent = agent;
  }

  get outcomes(): readonly ActionOutcome[] {
    return this.#outcomes;
  }

  /** Begins it, if all whom it takes are up. Returns whether they are. */
  begin(fault: ActionFault): boolean {
    switch (fault.kind) {
      case 'commit-race':
        return this.#act(fault, fault.agents, renewKeys);
      case 'remove-member':
        return this.#act(fault, [fault.agent], (agent) => remove(agent, fault.member));
      case 'removal-race':
        return this.#act(fault, [fault.member, fault.agent], (agent) =>
          agent.name === fault.member ? resist(agent) : remove(agent, fault.member),
        );
      case 'bad-key-package':
        return this.#act(fault, [fault.agent], (agent) => addStranger(agent, fault.how));
      case 'second-process':
        return this.#act(fault, [fault.agent], (agent) => startAgain(agent, fault.forMs));
    }
  }

  /** All of them at once, when all are up. */
  #act(fault: Fault, names: readonly string[], action: (agent: AgentRunner) => Promise<void>): boolean {
    const agents = names.map(this.#agent);
    if (!agents.every(({ isUp }) => isUp)) return false;
    for (const agent of agents) {
      const record = (error?: SkytaleError): void => void this.#outcomes.push({ fault, agent: agent.name, error });
      action(agent).then(
        () => record(),
        (error: unknown) => record(toSkytaleError(error)),
      );
    }
    return true;
  }
}

async function channelsOf({ client }: AgentRunner): Promise<ClientChannel[]> {
  const channels: ClientChannel[] = [];
  for (const name of await client.channels()) channels.push(await client.openChannel(name));
  return channels;
}

async function renewKeys(agent: AgentRunner): Promise<void> {
  for (const { channel$ } of await channelsOf(agent)) await channel$.commit({ rotate: true });
}

async function remove(agent: AgentRunner, member: string): Promise<void> {
  for (const channel of await channelsOf(agent)) await channel.removeMember(utf8.encode(member));
}

/** What who is about to be removed does to get in before that. */
async function resist(agent: AgentRunner): Promise<void> {
  for (const channel of await channelsOf(agent)) {
    const committed = channel.channel$.commit({ rotate: true });
    const said = channel.send(utf8.encode(`${agent.name} is still here, as of ${toHex(agent.random.bytes(4))}`));
    const [first] = (await Promise.allSettled([committed, said])).filter((each) => each.status === 'rejected');
    if (first !== undefined) throw first.reason;
  }
}

/** Somebody with a store of its own hands in a key package, and has never been heard of before. */
async function addStranger(agent: AgentRunner, how: 'expired' | 'twice'): Promise<void> {
  const name = `a stranger to ${agent.name}`;
  const skewMs = how === 'expired' ? -EXPIRED_MS : 0;
  const stranger = agent.besides(
    name,
    new VirtualDisk().mount(() => ({ kind: 'lands' })),
    skewMs,
  );
  try {
    const keyPackage = await stranger.generateKeyPackage();
    for (const channel of await channelsOf(agent)) {
      await channel.addMember(keyPackage);
      if (how === 'twice') await channel.addMember(keyPackage);
    }
  } finally {
    await stranger.close();
  }
}

async function startAgain(agent: AgentRunner, forMs: number): Promise<void> {
  const second = agent.besides(agent.name, agent.disk.mountAgain());
  agent.clock.schedule(forMs, () => void second.close());
  await second.ready;
}
