import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { Keyv } from 'keyv';
import { filter, firstValueFrom } from 'rxjs';
import { type ClientChannel, SkytaleClient } from '../../../src/index.ts';
import { serve } from '../../serve.ts';

/** A life of an agent, on a data directory of its own. */
export interface Opening {
  readonly endpoint: string;
  readonly dataDir: string;
  readonly channel: string;
  /** The process ends in the moment in which its store is asked for this write; 0 for never. */
  readonly killAtWrite: number;
}

/** How the agent's channel is. */
export interface AgentState {
  readonly status: string;
  readonly members: number;
  readonly authenticator: string;
  readonly unsettled: number;
  /** What its durable consumer has handled in all its lives, in order. */
  readonly handled: readonly string[];
  /** Writes of this life. */
  readonly writes: number;
}

let client: SkytaleClient | undefined;
let channel: ClientChannel | undefined;
/** Where its durable consumer writes down what it has handled, so that it outlives the process. */
let notebook = '';
let writes = 0;
let killAtWrite = 0;

/** All writes of the store pass through here. As the power supply would do it: in front of one, and nothing is said. */
function countWrites(name: 'set' | 'delete'): void {
  const methods = Keyv.prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const original = methods[name];
  if (original === undefined) throw new Error(`keyv has no ${name}`);
  methods[name] = function (this: unknown, ...args) {
    writes += 1;
    if (writes === killAtWrite) process.kill(process.pid, 'SIGKILL');
    return original.apply(this, args);
  };
}
countWrites('set');
countWrites('delete');

function current(): ClientChannel {
  if (channel === undefined) throw new Error('there is no channel');
  return channel;
}

const calls = {
  /** Begins a life: opens the channel, or makes it. */
  async open(opening: Opening): Promise<void> {
    await client?.close();
    ({ killAtWrite } = opening);
    writes = 0;
    notebook = `${opening.dataDir}.handled`;
    client = new SkytaleClient(opening.endpoint, opening.dataDir, new TextEncoder().encode('alice'));
    const isKnown = (await client.channels()).includes(opening.channel);
    channel = await (isKnown ? client.openChannel(opening.channel) : client.createChannel(opening.channel));
    channel.channel$.consume(({ payload }) => appendFileSync(notebook, `${new TextDecoder().decode(payload)}\n`));
  },
  /** Adds somebody, in the place of a leaf that it may have: also if that comes in now by a commit of the life before. */
  async add({
    identity,
    keyPackage,
  }: {
    readonly identity: string;
    readonly keyPackage: Uint8Array;
  }): Promise<Uint8Array> {
    const name = new TextEncoder().encode(identity);
    const { channel$ } = current();
    const isIn = (): boolean =>
      channel$.state$.value.members.some((member) => Buffer.from(member.identity).equals(name));
    await firstValueFrom(channel$.status$.pipe(filter((status) => status === 'live')));
    try {
      if (!isIn()) return await current().addMember(keyPackage);
    } catch (error) {
      if (!isIn()) throw error;
    }
    await current().removeMember(name);
    return current().addMember(keyPackage);
  },
  async say(text: string): Promise<number> {
    return (await current().send(new TextEncoder().encode(text))).seq;
  },
  async rotate(): Promise<void> {
    await current().channel$.commit({ rotate: true });
  },
  state(): AgentState {
    const { status, members, epochAuthenticator, unsettled } = current().channel$.state$.value;
    const authenticator = Buffer.from(epochAuthenticator).toString('hex');
    const handled = existsSync(notebook) ? readFileSync(notebook, 'utf8').split('\n').slice(0, -1) : [];
    return { status, members: members.length, authenticator, unsettled, handled, writes };
  },
  /** Ends the life in good order: that writes, too. */
  async close(): Promise<number> {
    await client?.close();
    client = undefined;
    return writes;
  },
};

/** What the process of an agent can be asked for that may be killed at each of its writes. */
export type MortalAgentCalls = typeof calls;

serve(calls, async () => client?.close());
