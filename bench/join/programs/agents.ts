import { join } from 'node:path';
import { type ClientChannel, SkytaleClient } from '../../../src/index.ts';
import { createAgentKeys, createKeyPackage, createMlsEngine } from '../../../src/mls/index.ts';
import { exchangeToken } from '../../../src/transport/index.ts';
import { serve } from '../../serve.ts';

/** Where the servers are, and who calls. */
export interface Place {
  readonly endpoint: string;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly dataDir: string;
}

let place: Place | undefined;
const clients = new Map<string, SkytaleClient>();
const channels = new Map<string, ClientChannel>();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function known(): Place {
  if (place === undefined) throw new Error('the servers are not known yet');
  return place;
}

async function agent(name: string): Promise<SkytaleClient> {
  const { endpoint, apiUrl, apiKey, dataDir } = known();
  const client = clients.get(name) ?? new SkytaleClient(endpoint, join(dataDir, name), bytes(name), { apiKey, apiUrl });
  clients.set(name, client);
  await client.ready;
  return client;
}

function channel(name: string): ClientChannel {
  const found = channels.get(name);
  if (found === undefined) throw new Error(`there is no channel ${name}`);
  return found;
}

const calls = {
  open(where: Place): void {
    place = where;
  },
  /** Makes a channel with so many members, of whom only this one ever runs, and returns a token for it. */
  async found({ name, members }: { readonly name: string; readonly members: number }): Promise<string> {
    const made = await (await agent('member')).createChannel(name);
    channels.set(name, made);
    const engine = await createMlsEngine();
    const idle = Array.from({ length: members - 1 }, async (_, index) => {
      return (await createKeyPackage(engine, await createAgentKeys(engine, bytes(`idle ${index}`)), Date.now()))
        .keyPackage;
    });
    const add = await Promise.all(idle);
    for (let at = 0; at < add.length; at += 100) await made.channel$.commit({ add: add.slice(at, at + 100) });
    return (await made.invite({ maxUses: 10_000 })).token;
  },
  async prepare(names: readonly string[]): Promise<void> {
    for (const name of names) await agent(name);
  },
  /** Joins, and returns how long it took, in milliseconds. */
  async join({
    who,
    name,
    token,
  }: {
    readonly who: string;
    readonly name: string;
    readonly token: string;
  }): Promise<number> {
    const client = await agent(who);
    const startedMs = performance.now();
    await client.joinWithToken(name, token);
    return performance.now() - startedMs;
  },
  async remove({ who, name }: { readonly who: string; readonly name: string }): Promise<void> {
    await channel(name).removeMember(bytes(who));
  },
  /** Ends an agent: an account may have so many connections, and no more. */
  async retire(who: string): Promise<void> {
    await clients.get(who)?.close();
    clients.delete(who);
  },
  /** The epoch, and how many members there are in it. */
  state(name: string): { readonly epoch: number; readonly members: number } {
    const { epoch, members } = channel(name).channel$.state$.value;
    return { epoch: Number(epoch), members: members.length };
  },
  /** Exchanges the key for tokens, so many at once, and returns how many came in a second. */
  async exchange({ seconds, width }: { readonly seconds: number; readonly width: number }): Promise<number> {
    const { apiKey, apiUrl } = known();
    await exchangeToken({ apiKey, apiUrl });
    const startedMs = performance.now();
    const endsAtMs = startedMs + seconds * 1000;
    let tokens = 0;
    const one = async (): Promise<void> => {
      while (performance.now() < endsAtMs) {
        await exchangeToken({ apiKey, apiUrl });
        tokens += 1;
      }
    };
    await Promise.all(Array.from({ length: width }, one));
    return tokens / ((performance.now() - startedMs) / 1000);
  },
};

/** What a process of agents can be asked for. */
export type AgentsCalls = typeof calls;

serve(calls, async () => {
  await Promise.allSettled([...clients.values()].map((client) => client.close()));
});
