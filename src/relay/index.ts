export { startRelay } from './start-relay.ts';
export type { Relay, RelayLoad, RelayOptions } from './start-relay.ts';
export type { RelayLimits } from './limits.ts';
export type { RelayLogger } from './relay-logger.ts';
