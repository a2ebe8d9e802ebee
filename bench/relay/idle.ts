import type { Figure } from '../bench.ts';
import type { Launcher } from '../program.ts';
import { maxOpenFiles } from './file-limit.ts';
import { CHANNEL, Relay } from './relay-home.ts';
import type { IdlersCalls } from './programs/idlers.ts';

const CONNECTIONS = 10_000;
const CHANNELS = 10_000;
/** A process holds so many clients comfortably. */
const CLIENTS_PER_PROCESS = 2_500;
/** Files that a process has open beside its connections. */
const OTHER_FILES = 200;

/** What idle connections and idle channels cost the relay, and whether it holds as many as it should. */
export async function measureIdle(launcher: Launcher, say: (line: string) => void): Promise<readonly Figure[]> {
  const limit = maxOpenFiles() ?? Number.POSITIVE_INFINITY;
  const connections = Math.min(CONNECTIONS, limit - OTHER_FILES);
  if (connections < CONNECTIONS) say(`this machine lets a process open ${limit} files: ${connections} connections`);
  const home = await Relay.open(launcher, 'idle');
  try {
    const { program, address } = home;
    const empty = await program.call('residentBytes');
    const processes = Array.from({ length: Math.ceil(connections / CLIENTS_PER_PROCESS) }, (_, index) =>
      launcher.start<IdlersCalls>('idlers', `idle ${index}`),
    );
    for (const [index, clients] of processes.entries()) {
      const share = Math.min(CLIENTS_PER_PROCESS, connections - index * CLIENTS_PER_PROCESS);
      await clients.call('connect', { address, connections: share, channel: CHANNEL });
    }
    const held = await program.call('load');
    const connected = await program.call('residentBytes');
    const perConnection = (connected - empty) / held.connections;
    say(`${held.connections} idle connections: ${(perConnection / 1024).toFixed(1)} KiB of resident memory each`);
    await Promise.all(processes.map((clients) => clients.call('disconnect')));
    await Promise.all(processes.map((clients) => clients.stop()));

    const few = await Relay.open(launcher, 'channels');
    const before = await few.program.call('residentBytes');
    const clients = launcher.start<IdlersCalls>('idlers', 'channels');
    await clients.call('channels', { address: few.address, channels: CHANNELS });
    const { subscriptions } = await few.program.call('load');
    const perChannel = ((await few.program.call('residentBytes')) - before) / subscriptions;
    say(
      `${subscriptions} idle channels, one subscription each: ${perChannel.toFixed(0)} bytes of resident memory each`,
    );
    await clients.stop();
    await few.close();
    return [
      { name: 'idle connections held', value: held.connections, unit: '', goal: `>=${CONNECTIONS}` },
      { name: 'memory per idle connection', value: perConnection / 1024, unit: 'KiB' },
      { name: 'memory per idle channel with a subscription', value: perChannel, unit: 'bytes' },
    ];
  } finally {
    await home.close();
  }
}
