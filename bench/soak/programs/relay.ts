import { startRelay } from '../../../src/relay/index.ts';
import type { Relay } from '../../../src/relay/index.ts';
import { serve } from '../../serve.ts';

let relay: Relay | undefined;

const calls = {
  /** Starts a relay on this port, and returns the one that it got: 0 asks for any. */
  async open({ dataDir, port }: { readonly dataDir: string; readonly port: number }): Promise<number> {
    relay = await startRelay({ dataDir, port });
    return relay.port;
  },
};

/** What the relay's process can be asked for. */
export type SoakRelayCalls = typeof calls;

serve(calls, async () => relay?.close());
