import { expect, it } from 'vitest';
import { SkytaleClient } from '../../src/index.ts';
import { type Relay, startRelay } from '../../src/relay/index.ts';
import { natsMissing, startNats } from '../support/nats-server.ts';
import { bytes, CHANNEL, invite, reaches, Recorder, Swarm, textOf } from '../support/swarm.ts';

/** Lets the agents send for a moment. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

it.skipIf(natsMissing !== undefined)(
  'moves between two relays over one log as they are restarted in turn, and loses and repeats nothing',
  async () => {
    const nats = await startNats();
    await using swarm = await Swarm.create();
    const engine = { kind: 'nats', servers: nats.addresses, replicas: 1, shards: 1 } as const;
    const relays: [Relay, Relay] = await Promise.all([
      startRelay({ engine, port: 0 }),
      startRelay({ engine, port: 0 }),
    ]);
    const ports = relays.map(({ port }) => port);
    const endpoints = relays.map(({ endpoint }) => endpoint);
    const agent = (name: string): SkytaleClient => new SkytaleClient(endpoints, swarm.dataDir(name), bytes(name));
    const [alice, bob] = [agent('alice'), agent('bob')];
    try {
      const atAlice = await alice.createChannel(CHANNEL);
      const atBob = await invite(atAlice, bob);
      const heard = [new Recorder(atAlice.channel$), new Recorder(atBob.channel$)] as const;
      await Promise.all([reaches(atAlice.channel$, 'live'), reaches(atBob.channel$, 'live')]);
      const statuses = [new Recorder(atAlice.channel$.status$), new Recorder(atBob.channel$.status$)];

      const lines: string[] = [];
      const sends: Promise<unknown>[] = [];
      const say = async (count: number): Promise<void> => {
        for (let index = 0; index < count; index += 1) {
          const line = `line ${lines.length}`;
          lines.push(line);
          sends.push(atAlice.send(bytes(line)), atBob.send(bytes(line)));
          await turn();
        }
      };
      for (const index of [0, 1, 0, 1] as const) {
        await say(60);
        const closing = relays[index].close();
        await say(60);
        await closing;
        relays[index] = await startRelay({ engine, port: ports[index] as number });
      }
      await Promise.all(sends);

      for (const each of heard) expect((await each.until(lines.length)).map(textOf)).toEqual(lines);
      const moves = statuses.flatMap(({ values }) => values.filter((status) => status === 'offline'));
      // Wherever they began, four restarts in turn meet each of them at least three times.
      expect(moves.length).toBeGreaterThanOrEqual(6);
    } finally {
      await Promise.all([alice.close(), bob.close()]);
      await Promise.all(relays.map((relay) => relay.close()));
      await nats.stop();
    }
  },
  60_000,
);
