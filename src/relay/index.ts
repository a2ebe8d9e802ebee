export { pinoLogger } from './pino-logger.ts';
export { relayProgram } from './relay-program.ts';
export { startRelay } from './start-relay.ts';
export type { Relay } from './start-relay.ts';
export type { RelayLoad } from './relay-load.ts';
export type {
  EngineOptions,
  MemoryEngineChoice,
  NatsEngineChoice,
  RelayOptions,
  SqliteEngineChoice,
} from './relay-options.ts';
export type { NatsConnectionOptions, NatsTlsOptions } from './engine/nats/index.ts';
export type { AuthenticatorOptions, KeySetOptions, Plan, Plans, SharedSecret } from './access/index.ts';
export type { TlsPaths } from './front/index.ts';
export type { RelayLimits } from './limits.ts';
export type { RelayOperations, WithdrawnKey } from './relay-operations.ts';
export type { Usage } from './engine/log-engine.ts';
export type { NoticeTopic } from '../transport/index.ts';
export { silentLogger } from './relay-logger.ts';
export type { RelayLogger } from './relay-logger.ts';
