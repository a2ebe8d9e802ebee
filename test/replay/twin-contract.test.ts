import { systemClock } from '../../src/base/clock.ts';
import { TwinRelay } from '../../src/replay/network/twin-relay.ts';
import { TwinTransport } from '../../src/replay/network/twin-transport.ts';
import { createMemoryRelay } from '../../src/transport/index.ts';
import { describeRelayTransport } from '../transport/contract.ts';
import { CHANNEL } from '../transport/support/submissions.ts';

const harmless = {
  publish: () => [],
  entries: () => [],
  welcome: () => [],
  lostCommit: () => [],
  fired: () => undefined,
  isReadingSlowly: () => false,
  isWithholding: () => false,
};

describeRelayTransport('the simulated network, when nothing goes wrong', async ({ isOnline }) => {
  const memory = createMemoryRelay();
  const relay = new TwinRelay(memory, systemClock);
  if (!isOnline) relay.stop();
  return {
    connect: () =>
      new TwinTransport({ relay, clock: systemClock, latency: () => 1, retryInMs: () => 5, mischief: harmless }),
    interrupt: async () => relay.stop(),
    restore: async () => relay.start(),
    trim: async (seq) => {
      relay.stop();
      memory.trim(CHANNEL, seq);
      relay.start();
    },
    maxPayloadBytes: 262_144,
    close: async () => relay.stop(),
  };
});
