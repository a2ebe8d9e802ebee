import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkytaleClient, type SkytaleClientOptions } from '../skytale-client.ts';
import type { ManagerSettings, SkytaleChannelManagerOptions } from './manager-options.ts';
import { joinMockNetwork } from './mock-network.ts';

/** A client, with what was made for it. */
export interface ClientHome {
  readonly client: SkytaleClient;
  readonly warn: (warning: string) => void;
  /** Closes the client, and leaves nothing behind that was not there for longer than it. */
  close(): Promise<void>;
}

/** Makes the low-level client that a manager stands on. @throws what its constructor throws */
export function openClientHome(
  { warn = emitWarning, ...options }: SkytaleChannelManagerOptions,
  settings: ManagerSettings,
): ClientHome {
  const { identity, endpoint, mock } = settings;
  const mocked = mock ? joinMockNetwork() : undefined;
  const temporary = settings.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'skytale-mock-')) : undefined;
  const cleanUp = async (): Promise<void> => {
    mocked?.leave();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  const dataDir = settings.dataDir ?? temporary ?? '';
  const clientOptions: SkytaleClientOptions = {
    ...clientOptionsOf(options),
    warn,
    ...(mocked !== undefined && { transport: mocked.transport, controlPlane: mocked.controlPlane }),
    ...(!mock && settings.apiKey !== undefined && { apiKey: settings.apiKey, apiUrl: settings.apiUrl }),
  };
  try {
    const client = new SkytaleClient(endpoint, dataDir, identity, clientOptions);
    return {
      client,
      warn,
      async close() {
        try {
          await client.close();
        } finally {
          await cleanUp();
        }
      },
    };
  } catch (error) {
    cleanUp().catch((reason: unknown) => warn(`a temporary directory could not be removed: ${String(reason)}`));
    throw error;
  }
}

/** Without what is the manager's own. */
function clientOptionsOf({
  identity: _identity,
  endpoint: _endpoint,
  dataDir: _dataDir,
  apiKey: _apiKey,
  apiUrl: _apiUrl,
  mock: _mock,
  heal: _heal,
  listens: _listens,
  receiveBuffer: _receiveBuffer,
  protocols: _protocols,
  ...options
}: SkytaleChannelManagerOptions): SkytaleClientOptions {
  return options;
}

function emitWarning(text: string): void {
  process.emitWarning(text);
}
