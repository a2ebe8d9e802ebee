import { join } from 'node:path';
import { toSkytaleError } from '../../base/errors.ts';
import { localRelay, startControlPlane } from '../../control/index.ts';
import { pinoLogger, startRelay } from '../../relay/index.ts';
import { sharedSecret } from './shared-secret.ts';

/** Options of {@link startServers}. */
export interface ServersOptions {
  readonly host: string;
  readonly port: number;
  readonly apiPort: number;
  /** Absolute. */
  readonly dataDir: string;
  readonly verbose: boolean;
}

/** A relay and a control plane in this process. */
export interface Servers {
  readonly relay: string;
  readonly api: string;
  /** Rejects if the relay fails by itself; never resolves. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Starts both, under a secret that they share. What has begun is ended again if the other one cannot start. */
export async function startServers({ host, port, apiPort, dataDir, verbose }: ServersOptions): Promise<Servers> {
  const secrets = [{ secret: sharedSecret(dataDir) }];
  const logger = verbose ? { logger: pinoLogger('info') } : {};
  const relay = await startRelay({ dataDir: join(dataDir, 'relay'), host, port, auth: { secrets }, ...logger });
  try {
    const control = await startControlPlane({
      host,
      port: apiPort,
      database: { kind: 'sqlite', path: join(dataDir, 'control', 'control.db') },
      jwtSecrets: secrets,
      relay: localRelay(relay),
      ...logger,
    });
    const failed = relay.closed.then((error): never => {
      throw toSkytaleError(error ?? new Error('the relay has ended'));
    });
    failed.catch(() => undefined); // for whoever waits for it
    return {
      relay: relay.endpoint,
      api: control.endpoint,
      failed,
      close: async () => {
        await control.close();
        await relay.close();
      },
    };
  } catch (error) {
    await relay.close();
    throw error;
  }
}
