export { openNatsEngine } from './nats-engine.ts';
export type { NatsConnectionOptions, NatsEngineOptions, NatsTlsOptions } from './nats-options.ts';
