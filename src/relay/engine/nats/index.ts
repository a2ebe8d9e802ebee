export { openNatsEngine } from './open-nats-engine.ts';
export type { NatsConnectionOptions, NatsEngineOptions, NatsTlsOptions } from './nats-options.ts';
