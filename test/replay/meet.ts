import type { ClientChannel } from '../../src/index.ts';
import type { World } from '../../src/replay/index.ts';
import { CHANNEL } from '../support/swarm.ts';

/** The first makes the channel and adds the others, all in one commit. Returns their channels, connected, in this order. */
export async function meet(world: World, names: readonly string[]): Promise<ClientChannel[]> {
  const [first, ...others] = names.map((name) => world.agent(name));
  if (first === undefined) throw new Error('a channel needs somebody');
  const founded = await world.complete(first.client.createChannel(CHANNEL));
  const add = await world.complete(Promise.all(others.map(({ client }) => client.generateKeyPackage())));
  const { welcome } = await world.complete(founded.channel$.commit({ add }));
  if (welcome === undefined) throw new Error('the commit that adds the others has no Welcome');
  const joined = await world.complete(Promise.all(others.map(({ client }) => client.joinChannel(CHANNEL, welcome))));
  const channels = [founded, ...joined];
  for (const { channel$ } of channels) channel$.connect();
  await world.until(() => channels.every(({ channel$ }) => channel$.status$.value === 'live'));
  return channels;
}
