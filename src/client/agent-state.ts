import { equalBytes } from '../base/bytes.ts';
import { RuntimeError } from '../base/errors.ts';
import {
  type AgentKeys,
  type AgentStore,
  createAgentKeys,
  type DataDirectoryWarning,
  type MlsEngine,
  mlsGroupCodec,
  openAgentStore,
  openDataDirectory,
  type StoreOptions,
} from '../mls/index.ts';
import type { AgentOptions } from './agent-options.ts';

/** What stays of an agent when its process ends. */
export interface AgentState {
  readonly store: AgentStore;
  readonly keys: AgentKeys;
}

/**
 * Opens the data directory, or the Keyv store in its place; makes it, and the agent's keys, the first time.
 *
 * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `data_dir_foreign`, `state_key_wrong`, `store_error`
 */
export async function openAgentState(options: AgentOptions, engine: MlsEngine): Promise<AgentState> {
  const store = await openStore(options, engine);
  try {
    return { store, keys: await loadKeys(store, engine, options.identity) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore(options: AgentOptions, engine: MlsEngine): Promise<AgentStore> {
  const { dataDir, keyv, stateKey, clock, warn, foldAfterMs } = options;
  const storeOptions: StoreOptions = {
    codec: mlsGroupCodec(engine),
    clock,
    ...(foldAfterMs !== undefined && { foldAfterMs }),
    onBackgroundError: (error) => warn(`spent keys could not be erased from the store yet: ${error.message}`),
  };
  if (keyv !== undefined) return openAgentStore({ ...storeOptions, keyv, stateKey });
  const { store, warnings } = await openDataDirectory(dataDir, { ...storeOptions, key: stateKey });
  for (const warning of warnings) warn(describeWarning(warning));
  return store;
}

function describeWarning(warning: DataDirectoryWarning): string {
  switch (warning.kind) {
    case 'loose-permissions':
      return `${warning.path} was open to others than its owner; its permissions were repaired`;
    case 'no-write-ahead-log':
      return `the data directory's file system cannot carry a write-ahead log (${warning.journalMode} instead): saves are slower`;
  }
}

async function loadKeys(store: AgentStore, engine: MlsEngine, identity: Uint8Array): Promise<AgentKeys> {
  const stored = await store.loadKeys();
  if (stored === undefined) {
    const keys = await createAgentKeys(engine, identity);
    await store.saveKeys(keys);
    return keys;
  }
  if (equalBytes(stored.identity, identity)) return stored;
  throw new RuntimeError(
    'data_dir_foreign',
    'the data directory belongs to another identity: every agent needs a directory of its own',
  );
}
