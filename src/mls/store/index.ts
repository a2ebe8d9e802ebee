export type {
  AgentStore,
  ChannelRecord,
  Cursor,
  JournalEntry,
  OutboxEntry,
  PendingCommitEntry,
} from './agent-store.ts';
export { openDataDirectory } from './data-directory.ts';
export type { DataDirectory, DataDirectoryOptions, DataDirectoryWarning, NoWriteAheadLog } from './data-directory.ts';
export type { GroupCodec } from './group-codec.ts';
export { openAgentStore } from './keyv-agent-store.ts';
export type { AgentStoreOptions } from './keyv-agent-store.ts';
export { mlsGroupCodec } from './mls-group-codec.ts';
export type { LoosePermissions } from './private-files.ts';
