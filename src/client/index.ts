export type { ClientInspection } from './agent.ts';
export { ClientChannel } from './client-channel.ts';
export { SkytaleClient, SkytaleClient as StaticClient, type SkytaleClientOptions } from './skytale-client.ts';
