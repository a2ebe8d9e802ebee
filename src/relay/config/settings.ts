import { DEFAULT_LIMITS, minimumOf } from '../limits.ts';
import type { RelayLimits } from '../limits.ts';
import { address, choice, flag, integer, positive, quota, servers, text, UNLIMITED, webAddress } from './setting.ts';
import type { ListenAddress, Setting } from './setting.ts';

/** How much is logged, from everything to nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where the log of all channels is kept. */
export type EngineKind = 'memory' | 'sqlite' | 'nats';

/** Settings with one value each, under the keys of the configuration file. docs/relay.md says what each is for. */
export interface SingleSettings {
  readonly 'server.grpc_listen_addr': ListenAddress;
  readonly 'server.health_listen_addr': ListenAddress | undefined;
  readonly 'server.listen_port': number;
  readonly 'server.data_dir': string;
  readonly 'server.jwt_secret': string | undefined;
  readonly 'server.jwt_secret_file': string | undefined;
  readonly 'server.insecure_open': boolean;
  readonly 'server.grpc_tls_cert': string | undefined;
  readonly 'server.grpc_tls_key': string | undefined;
  readonly 'server.grpc_tls_client_ca': string | undefined;
  readonly 'server.message_ttl_days': number;
  readonly 'server.drain_pause_ms': number;
  readonly 'auth.jwks_url': string | undefined;
  readonly 'auth.issuer': string;
  readonly 'auth.audience': string | undefined;
  readonly 'auth.leeway_ms': number;
  readonly 'auth.unknown_plan': string | undefined;
  readonly 'engine.kind': EngineKind;
  readonly 'engine.memory.max_bytes': number;
  readonly 'engine.sqlite.max_bytes': number;
  readonly 'engine.sqlite.max_checked_bytes': number;
  readonly 'engine.sqlite.accept_loss': boolean;
  readonly 'engine.nats.servers': readonly string[];
  readonly 'engine.nats.name': string;
  readonly 'engine.nats.shards': number;
  readonly 'engine.nats.replicas': number;
  readonly 'engine.nats.sync_always': boolean;
  readonly 'engine.nats.id_window': number;
  readonly 'engine.nats.snapshot_records': number;
  readonly 'engine.nats.reservation_ms': number;
  readonly 'engine.nats.user': string | undefined;
  readonly 'engine.nats.password': string | undefined;
  readonly 'engine.nats.password_file': string | undefined;
  readonly 'engine.nats.token': string | undefined;
  readonly 'engine.nats.token_file': string | undefined;
  readonly 'engine.nats.nkey_seed_file': string | undefined;
  readonly 'engine.nats.credentials_file': string | undefined;
  readonly 'engine.nats.tls_ca': string | undefined;
  readonly 'engine.nats.tls_cert': string | undefined;
  readonly 'engine.nats.tls_key': string | undefined;
  readonly 'engine.nats.tls_handshake_first': boolean;
  readonly 'log.level': LogLevel;
  readonly 'privacy.batch_interval_ms': number;
  readonly 'privacy.accept_direct_connections': boolean;
}

/** Settings of which there may be several, each under a name in place of the `*`. */
export interface NamedSettings {
  readonly 'auth.secrets.*': string;
  readonly 'auth.secret_files.*': string;
  readonly 'plans.*.messages_per_month': number | typeof UNLIMITED;
}

/** Settings that are accepted because configurations of other relays have them, and what to say about them. */
export const WITHOUT_EFFECT: Readonly<Partial<Record<keyof SingleSettings, string>>> = {
  'server.listen_port': 'this relay has no QUIC port',
  'privacy.accept_direct_connections': 'this relay has no QUIC port',
  'privacy.batch_interval_ms': 'what waits at the same moment is delivered together, and nothing waits for a timer',
};

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** RFC 7518 §3.2: a secret for HS256 is at least as long as the hash. */
export const MIN_SECRET_BYTES = 32;

const secret = `a secret of at least ${MIN_SECRET_BYTES} bytes`;

type Table<Values> = { readonly [Key in keyof Values]: Setting<Values[Key]> };

/** All settings with one value, but the limits. */
export const SINGLE_SETTINGS: Table<SingleSettings> = {
  'server.grpc_listen_addr': address<ListenAddress>({ host: '127.0.0.1', port: 5000 }),
  'server.health_listen_addr': address(undefined),
  'server.listen_port': integer(4433, 0, 65_535),
  'server.data_dir': text('./data', 'a directory'),
  'server.jwt_secret': text(undefined, secret, true),
  'server.jwt_secret_file': text(undefined, 'a file'),
  'server.insecure_open': flag(false),
  'server.grpc_tls_cert': text(undefined, 'a file'),
  'server.grpc_tls_key': text(undefined, 'a file'),
  'server.grpc_tls_client_ca': text(undefined, 'a file'),
  'server.message_ttl_days': positive(7),
  'server.drain_pause_ms': integer(0, 0, 600_000),
  'auth.jwks_url': webAddress(),
  'auth.issuer': text('skytale-api'),
  'auth.audience': text(undefined),
  'auth.leeway_ms': integer(30_000, 0, 600_000),
  'auth.unknown_plan': text(undefined, 'the name of a plan'),
  'engine.kind': choice('sqlite', ['memory', 'sqlite', 'nats']),
  'engine.memory.max_bytes': integer(0, 0),
  'engine.sqlite.max_bytes': integer(0, 0),
  'engine.sqlite.max_checked_bytes': integer(256 * 1024 * 1024, 0),
  'engine.sqlite.accept_loss': flag(false),
  'engine.nats.servers': servers(),
  'engine.nats.name': text('skytale'),
  'engine.nats.shards': integer(8, 1, 32),
  'engine.nats.replicas': integer(3, 1, 5),
  'engine.nats.sync_always': flag(false),
  'engine.nats.id_window': integer(65_536, 1),
  'engine.nats.snapshot_records': integer(20_000, 1),
  'engine.nats.reservation_ms': integer(20_000, 1),
  'engine.nats.user': text(undefined),
  'engine.nats.password': text(undefined, 'a password', true),
  'engine.nats.password_file': text(undefined, 'a file'),
  'engine.nats.token': text(undefined, 'a token', true),
  'engine.nats.token_file': text(undefined, 'a file'),
  'engine.nats.nkey_seed_file': text(undefined, 'a file'),
  'engine.nats.credentials_file': text(undefined, 'a file'),
  'engine.nats.tls_ca': text(undefined, 'a file'),
  'engine.nats.tls_cert': text(undefined, 'a file'),
  'engine.nats.tls_key': text(undefined, 'a file'),
  'engine.nats.tls_handshake_first': flag(false),
  'log.level': choice('info', LOG_LEVELS),
  'privacy.batch_interval_ms': integer(0, 0),
  'privacy.accept_direct_connections': flag(false),
};

/** All settings under names of the operator's choice. */
export const NAMED_SETTINGS: Table<NamedSettings> = {
  'auth.secrets.*': { ...text('', secret, true), fallback: '' },
  'auth.secret_files.*': { ...text('', 'a file'), fallback: '' },
  'plans.*.messages_per_month': quota(0),
};

/** The key under which the configuration has a limit: `max_channels`. One has the name that it has elsewhere. */
export function limitKey(name: keyof RelayLimits): string {
  if (name === 'maxPayloadBytes') return 'limits.max_message_size';
  return `limits.${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/** The limits and their keys. */
export const LIMIT_KEYS: ReadonlyMap<string, keyof RelayLimits> = new Map(
  (Object.keys(DEFAULT_LIMITS) as (keyof RelayLimits)[]).map((name) => [limitKey(name), name]),
);

/** Every key that has one value, limits included, with its setting. */
export const KEYS: ReadonlyMap<string, Setting<unknown>> = new Map<string, Setting<unknown>>([
  ...(Object.entries(SINGLE_SETTINGS) as [string, Setting<unknown>][]),
  ...[...LIMIT_KEYS].map(
    ([key, name]) => [key, integer(DEFAULT_LIMITS[name], minimumOf(name)) as Setting<unknown>] as const,
  ),
]);

/** The setting for a key, and the name in it if it has one. */
export function findSetting(key: string): { readonly setting: Setting<unknown>; readonly pattern: string } | undefined {
  const single = KEYS.get(key);
  if (single !== undefined) return { setting: single, pattern: key };
  for (const [pattern, setting] of Object.entries(NAMED_SETTINGS) as [string, Setting<unknown>][]) {
    if (nameIn(pattern, key) !== undefined) return { setting, pattern };
  }
  return undefined;
}

/** What stands in a key in place of the `*`. */
export function nameIn(pattern: string, key: string): string | undefined {
  const [before = '', after = ''] = pattern.split('*');
  const fits = key.startsWith(before) && key.endsWith(after) && key.length > before.length + after.length;
  return fits ? key.slice(before.length, key.length - after.length) : undefined;
}

/** The variable of the environment for a key; `server.` is not part of it: `SKYTALE_RELAY_JWT_SECRET`. */
export function variableOf(key: string): string {
  return `${VARIABLE_PREFIX}${key
    .replace(/^server\./, '')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** What all variables of the relay begin with. */
export const VARIABLE_PREFIX = 'SKYTALE_RELAY_';
