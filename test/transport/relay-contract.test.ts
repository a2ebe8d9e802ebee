import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DEFAULT_LOG_RULES } from '../../src/relay/engine/log-rules.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import { startRelay } from '../../src/relay/index.ts';
import type { Relay } from '../../src/relay/index.ts';
import { connectRelay } from '../../src/transport/index.ts';
import { describeRelayTransport } from './contract.ts';
import { describeNotices } from './notices-contract.ts';
import { claimsAt, hs256, SECRET } from '../relay/access/support/tokens.ts';
import { freePort } from '../support/free-port.ts';
import { CHANNEL } from './support/submissions.ts';

describeRelayTransport('gRPC, to a relay on SQLite', async ({ isOnline }) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'skytale-contract-'));
  const port = await freePort();
  let relay: Relay | undefined;
  const stop = async (): Promise<void> => {
    await relay?.close();
    relay = undefined;
  };
  const start = async (): Promise<void> => {
    relay = await startRelay({ dataDir, port });
  };
  if (isOnline) await start();
  return {
    connect: () =>
      connectRelay({ endpoint: `http://127.0.0.1:${port}`, minReconnectDelayMs: 5, maxReconnectDelayMs: 20 }),
    interrupt: stop,
    restore: start,
    trim: async (seq) => {
      await stop();
      const engine = await openSqliteEngine({
        dataDir,
        clock: systemClock,
        rules: DEFAULT_LOG_RULES,
        onStoreError: (error) => {
          throw error;
        },
      });
      await engine.trim(CHANNEL, seq);
      await engine.close();
      await start();
    },
    maxPayloadBytes: 262_144,
    close: async () => {
      await stop();
      await rm(dataDir, { recursive: true });
    },
  };
});

describeNotices('gRPC, to a relay that authenticates', async () => {
  const relay = await startRelay({ engine: { kind: 'memory' }, port: 0, auth: { secrets: [{ secret: SECRET }] } });
  return {
    connect: (account) =>
      connectRelay({ endpoint: relay.endpoint, token: async () => hs256(claimsAt(Date.now(), { sub: account })) }),
    announce: (topic) => relay.announce(CHANNEL, topic),
    expel: async (account) => {
      expect(await relay.expel(CHANNEL, account)).toBe(true);
    },
    close: () => relay.close(),
  };
});
