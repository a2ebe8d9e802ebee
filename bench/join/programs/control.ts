import { remoteRelay, startControlPlane } from '../../../src/control/index.ts';
import type { ControlPlane } from '../../../src/control/index.ts';
import { serve } from '../../serve.ts';

/** Where a control plane keeps everything, and which relay it talks to. */
export interface ControlHome {
  readonly path: string;
  readonly secret: string;
  readonly relay: string;
}

let server: ControlPlane | undefined;

const calls = {
  /** Starts a control plane on a free port, and returns its endpoint. */
  async open({ path, secret, relay }: ControlHome): Promise<string> {
    server = await startControlPlane({
      port: 0,
      database: { kind: 'sqlite', path },
      jwtSecrets: [{ secret }],
      relay: remoteRelay({ urls: [relay], secret: { secret } }),
    });
    return server.endpoint;
  },
};

/** What the control plane's process can be asked for. */
export type ControlCalls = typeof calls;

serve(calls, async () => server?.close());
