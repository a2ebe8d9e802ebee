import { onTestFinished } from 'vitest';
import { startRelay } from '../../../src/relay/index.ts';
import type { Relay, RelayOptions } from '../../../src/relay/index.ts';
import { temporaryDirectory } from './temp-dir.ts';

/** A relay on a free port that is closed when the test has finished. */
export async function startTestRelay(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = await startRelay({ dataDir: options.dataDir ?? (await temporaryDirectory()), port: 0, ...options });
  onTestFinished(() => relay.close());
  return relay;
}
