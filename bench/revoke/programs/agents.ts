import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { filter, firstValueFrom, lastValueFrom } from 'rxjs';
import { type ClientChannel, SkytaleClient } from '../../../src/index.ts';
import { serve } from '../../serve.ts';

/** The servers, and where agents keep their state. */
export interface Place {
  readonly relay: string;
  readonly api: string;
  readonly dataDir: string;
}

/** How long after the call of `revoke` something was so, in milliseconds. */
export interface Cut {
  /** Another member has the group without the agent: it sends nothing any more that the agent could read. */
  readonly removedMs: number;
  /** The agent's own channel is not live any more. */
  readonly disconnectedMs: number;
  /** The receipt is there. */
  readonly receiptMs: number;
}

const CHANNEL = 'bench/revoke/live';
const clients: SkytaleClient[] = [];
let place: Place | undefined;
let account = '';
let owner: SkytaleClient | undefined;
let owned: ClientChannel | undefined;
let witness: ClientChannel | undefined;

const calls = {
  /** Signs up, makes a channel, and has a second member join. */
  async open(at: Place): Promise<void> {
    place = at;
    account = (await post<{ api_key: string }>('/v1/accounts', { email: 'bench@example.com' })).api_key;
    owner = await agent('owner');
    owned = await owner.createChannel(CHANNEL);
    owned.channel$.connect();
    witness = await admit(await agent('witness'));
  },

  /** Has an agent join, and revokes it while it listens. */
  async cut(index: number): Promise<Cut> {
    if (owner === undefined || witness === undefined) throw new Error('Expected `open` to be called first.');
    const name = `mallory-${index}`;
    const mallory = await agent(name);
    const channel = await admit(mallory);
    await hasMember(witness, name, true);
    await firstValueFrom(channel.channel$.status$.pipe(filter((status) => status === 'live')));

    const startedAtMs = performance.now();
    const since = async (happening: Promise<unknown>): Promise<number> => {
      await happening;
      return performance.now() - startedAtMs;
    };
    const removed = since(hasMember(witness, name, false));
    const disconnected = since(firstValueFrom(channel.channel$.status$.pipe(filter((status) => status !== 'live'))));
    const receipt = since(lastValueFrom(owner.revoke(bytes(name), { reason: 'credential_compromise' })));
    const cut = { removedMs: await removed, disconnectedMs: await disconnected, receiptMs: await receipt };
    await mallory.close();
    return cut;
  },
};

/** What the agents' process can be asked for. */
export type AgentsCalls = typeof calls;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await fetch(`${place?.api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(account !== '' && { authorization: `Bearer ${account}` }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** An agent with a key of its own, as those have that are to be revoked one by one. */
async function agent(name: string): Promise<SkytaleClient> {
  if (place === undefined) throw new Error('Expected `open` to be called first.');
  const { key } = await post<{ key: string }>('/v1/keys', { name });
  const options = { apiKey: key, apiUrl: place.api };
  const client = new SkytaleClient(place.relay, join(place.dataDir, name), bytes(name), options);
  clients.push(client);
  return client;
}

async function admit(client: SkytaleClient): Promise<ClientChannel> {
  if (owned === undefined) throw new Error('Expected `open` to be called first.');
  const { token } = await owned.invite();
  const channel = await client.joinWithToken(CHANNEL, token);
  channel.channel$.connect();
  return channel;
}

async function hasMember({ channel$ }: ClientChannel, name: string, isThere: boolean): Promise<void> {
  const isMember = ({ identity }: { readonly identity: Uint8Array }): boolean =>
    Buffer.from(identity).toString() === name;
  await firstValueFrom(channel$.state$.pipe(filter(({ members }) => members.some(isMember) === isThere)));
}

serve(calls, async () => {
  await Promise.allSettled(clients.map((client) => client.close()));
});
