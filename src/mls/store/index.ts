export type {
  AgentStore,
  ChannelRecord,
  Cursor,
  JournalEntry,
  OutboxEntry,
  PendingCommitEntry,
} from './agent-store.ts';
export { changeStateKey, openDataDirectory } from './data-directory.ts';
export type { DataDirectory, DataDirectoryOptions, DataDirectoryWarning, NoWriteAheadLog } from './data-directory.ts';
export type { GroupCodec } from './group-codec.ts';
export { openAgentStore } from './keyv-agent-store.ts';
export { decodeChannel, encodeChannel } from './channel-encoding.ts';
export { type KeyProtection, newProtection, readProtection } from './key-protection.ts';
export { mlsGroupCodec } from './mls-group-codec.ts';
export type { LoosePermissions } from './private-files.ts';
export type { StateKey } from './state-key.ts';
export { findStateKey } from './state-key-source.ts';
export type { StateKeyOptions } from './state-key-source.ts';
export type { AgentStoreOptions, StoreHooks, StoreOptions } from './store-options.ts';
