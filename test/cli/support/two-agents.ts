import { CliHome } from './run-cli.ts';
import { openRelay } from './open-relay.ts';

export const CHANNEL = 'acme/ops/log';

/** A home in which alice and bob are both in {@link CHANNEL}, by key package, over an open relay. */
export async function twoAgents(): Promise<CliHome> {
  const home = await CliHome.create({ SKYTALE_RELAY: await openRelay() });
  await home.ok(['create', CHANNEL, '--identity', 'alice']);
  const keyPackage = await home.ok(['key-package', '--identity', 'bob']);
  const welcome = await home.ok(['add', CHANNEL, '--identity', 'alice'], { input: keyPackage });
  await home.ok(['join', CHANNEL, '--welcome', '--identity', 'bob'], { input: welcome });
  return home;
}
