import { onTestFinished } from 'vitest';
import { startRelay } from '../../../src/relay/index.ts';

/** A relay on a free port that asks nobody who they are, until the test has finished; its address. */
export async function openRelay(): Promise<string> {
  const relay = await startRelay({ engine: { kind: 'memory' }, port: 0 });
  onTestFinished(() => relay.close());
  return relay.endpoint;
}
