import { connectRelay, createMemoryRelay } from '../../src/transport/index.ts';
import { describeAccounts } from './accounts-contract.ts';
import { describeRelayTransport } from './contract.ts';
import { describeNotices } from './notices-contract.ts';
import { bridgeTo } from './support/bridge.ts';
import { freePort } from '../support/free-port.ts';
import { startScriptedRelay } from './support/scripted-relay.ts';
import type { ScriptedRelay } from './support/scripted-relay.ts';
import { CHANNEL } from './support/submissions.ts';

describeRelayTransport('gRPC, to a model of the relay', async ({ isOnline }) => {
  const relay = createMemoryRelay();
  const script = bridgeTo(relay);
  const port = await freePort();
  let server: ScriptedRelay | undefined;
  const stop = async (): Promise<void> => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
  };
  const start = async (): Promise<void> => {
    server = await startScriptedRelay(script, port);
  };
  if (isOnline) await start();
  return {
    connect: () =>
      connectRelay({ endpoint: `http://127.0.0.1:${port}`, minReconnectDelayMs: 5, maxReconnectDelayMs: 20 }),
    interrupt: stop,
    restore: start,
    trim: async (seq) => relay.trim(CHANNEL, seq),
    maxPayloadBytes: 262_144,
    close: stop,
  };
});

describeAccounts('gRPC, to a model of the relay', async ({ messagesPerMonth, nowMs }) => {
  const relay = createMemoryRelay({ messagesPerMonth, clock: { now: () => nowMs } });
  const server = await startScriptedRelay(bridgeTo(relay));
  return {
    connect: (account) => connectRelay({ endpoint: server.endpoint, token: async () => account }),
    limitRate: (messages, retryAfterMs) => relay.limitRate(messages, retryAfterMs),
    expel: (account) => relay.expel(CHANNEL, account),
    close: async () => server[Symbol.asyncDispose](),
  };
});

describeNotices('gRPC, to a model of the relay', async () => {
  const relay = createMemoryRelay();
  const server = await startScriptedRelay(bridgeTo(relay));
  return {
    connect: (account) => connectRelay({ endpoint: server.endpoint, token: async () => account }),
    announce: (topic) => relay.announce(CHANNEL, topic),
    expel: async (account) => relay.expel(CHANNEL, account),
    close: async () => server[Symbol.asyncDispose](),
  };
});
