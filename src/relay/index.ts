export { startRelay } from './start-relay.ts';
export type { Relay, RelayOptions } from './start-relay.ts';
export type { RelayLimits } from './limits.ts';
export type { RelayLogger } from './relay-logger.ts';
