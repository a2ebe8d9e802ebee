import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { createMemoryRelay, SkytaleClient } from '../../../src/index.ts';
import { createAgentKeys, createKeyPackage, createMlsEngine } from '../../../src/mls/index.ts';
import { serve } from '../../serve.ts';

const NOBODY = 'http://127.0.0.1:1';
const home = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
const relay = createMemoryRelay();
let client: SkytaleClient | undefined;

function open(): SkytaleClient {
  return new SkytaleClient(NOBODY, join(home, 'agent'), new TextEncoder().encode('agent'), {
    transport: relay.connect(),
  });
}

async function newcomer(identity: string): Promise<Uint8Array> {
  const engine = await createMlsEngine();
  const keys = await createAgentKeys(engine, new TextEncoder().encode(identity));
  return (await createKeyPackage(engine, keys, Date.now())).keyPackage;
}

const calls = {
  /** Makes so many channels with so many members each, and closes the agent that has made them. */
  async create({ channels, members }: { readonly channels: number; readonly members: number }): Promise<void> {
    // The other members are added and then never seen: what they would cost is theirs. One key package each will do.
    const add = await Promise.all(Array.from({ length: members - 1 }, (_, index) => newcomer(`member-${index}`)));
    await using maker = open();
    for (let index = 0; index < channels; index += 1) {
      const { channel$ } = await maker.createChannel(`bench/idle/channel-${index}`);
      await channel$.commit({ add });
      await channel$.stop();
    }
  },

  /** Opens them all, as after a restart, and waits until each has read its log and is live. Answers with all their members. */
  async open(): Promise<number> {
    let members = 0;
    client = open();
    for (const name of await client.channels()) {
      const { channel$ } = await client.openChannel(name);
      channel$.connect();
      await firstValueFrom(channel$.status$.pipe(filter((status) => status === 'live')));
      members += channel$.state$.value.members.length;
    }
    return members;
  },
};

/** What the process that holds channels can be asked for. */
export type ChannelCalls = typeof calls;

serve(calls, async () => {
  await client?.close();
  await rm(home, { recursive: true, force: true });
});
