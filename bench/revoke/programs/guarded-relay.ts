import { startRelay } from '../../../src/relay/index.ts';
import type { Relay } from '../../../src/relay/index.ts';
import { serve } from '../../serve.ts';

let relay: Relay | undefined;

const calls = {
  /** Starts a relay that asks who its clients are, on a free port, and returns its endpoint. */
  async open({ dataDir, secret }: { readonly dataDir: string; readonly secret: string }): Promise<string> {
    relay = await startRelay({ dataDir, port: 0, auth: { secrets: [{ secret }] } });
    return relay.endpoint;
  },
};

/** What the relay's process can be asked for. */
export type GuardedRelayCalls = typeof calls;

serve(calls, async () => relay?.close());
