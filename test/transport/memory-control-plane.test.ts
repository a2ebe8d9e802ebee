import { expect, it } from 'vitest';
import { parseChannelName } from '../../src/base/channel-name.ts';
import { createMemoryControlPlane } from '../../src/transport/index.ts';
import { controlPlaneContract } from './control-plane-contract.ts';

controlPlaneContract(() => {
  const announced: string[] = [];
  const plane = createMemoryControlPlane({
    relay: { announce: (channel, topic) => void announced.push(`${channel} ${topic}`) },
  });
  return Promise.resolve({
    account: (name) => Promise.resolve(plane.connect(name)),
    announced,
    close: () => {
      plane.close();
      return Promise.resolve();
    },
  });
});

it('can be out of reach for a while', async () => {
  const plane = createMemoryControlPlane();
  const alice = plane.connect('alice');
  plane.interrupt();
  const name = parseChannelName('acme/research/summarizer');
  await expect(alice.createChannel(name)).rejects.toMatchObject({ code: 'connection_error' });
  plane.restore();
  expect(await alice.createChannel(name)).toMatchObject({ memberCount: 1 });
});
