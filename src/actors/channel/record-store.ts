import type { AgentStore } from '../../mls/index.ts';

/** What a channel's actor needs of the agent's store: to write its record, and to read it again. */
export type RecordStore = Pick<AgentStore, 'saveChannel' | 'loadChannel'>;
