import { join } from 'node:path';
import { remoteRelay, startControlPlane } from '../../../src/control/index.ts';
import type { ControlPlane } from '../../../src/control/index.ts';
import { serve } from '../../serve.ts';

/** Where the control plane keeps everything, and which relay it operates. */
export interface ControlPlaneHome {
  readonly dataDir: string;
  readonly secret: string;
  readonly relay: string;
}

let controlPlane: ControlPlane | undefined;

const calls = {
  /** Starts a control plane beside a relay in another process, on a free port, and returns its endpoint. */
  async open({ dataDir, secret, relay }: ControlPlaneHome): Promise<string> {
    controlPlane = await startControlPlane({
      port: 0,
      database: { kind: 'sqlite', path: join(dataDir, 'control.db') },
      jwtSecrets: [{ secret }],
      relay: remoteRelay({ urls: [relay], secret: { secret } }),
    });
    return controlPlane.endpoint;
  },
};

/** What the control plane's process can be asked for. */
export type ControlPlaneCalls = typeof calls;

serve(calls, async () => controlPlane?.close());
