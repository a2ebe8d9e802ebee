export { startRelay } from './start-relay.ts';
export type { Relay } from './start-relay.ts';
export type { RelayLoad } from './relay-load.ts';
export type { EngineOptions, RelayOptions, SqliteEngineChoice } from './relay-options.ts';
export type { AuthenticatorOptions, KeySetOptions, Plan, Plans, SharedSecret } from './access/index.ts';
export type { TlsPaths } from './front/index.ts';
export type { RelayLimits } from './limits.ts';
export type { RelayLogger } from './relay-logger.ts';
