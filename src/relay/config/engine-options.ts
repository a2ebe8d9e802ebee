import type { EngineOptions } from '../relay-options.ts';
import type { Settings } from './resolve-settings.ts';
import { readSecret, secretOrFile } from './secret-file.ts';

type NatsOptions = Extract<EngineOptions, { kind: 'nats' }>;

/** Where the log of all channels is kept. What is wrong is added to `problems`. */
export async function engineFrom(settings: Settings, problems: string[]): Promise<EngineOptions> {
  const kind = settings.get('engine.kind');
  switch (kind) {
    case 'memory':
      return { kind, ...maxBytesFrom(settings, 'engine.memory.max_bytes') };
    case 'sqlite':
      return {
        kind,
        ...maxBytesFrom(settings, 'engine.sqlite.max_bytes'),
        maxCheckedBytes: settings.get('engine.sqlite.max_checked_bytes'),
        acceptLoss: settings.get('engine.sqlite.accept_loss'),
      };
    case 'nats':
      return natsFrom(settings, problems);
  }
}

/** 0 stands for no limit: nothing else can in a file. */
function maxBytesFrom(
  settings: Settings,
  key: 'engine.memory.max_bytes' | 'engine.sqlite.max_bytes',
): { readonly maxBytes?: number } {
  const maxBytes = settings.get(key);
  return maxBytes === 0 ? {} : { maxBytes };
}

async function natsFrom(settings: Settings, problems: string[]): Promise<NatsOptions> {
  const servers = settings.get('engine.nats.servers');
  if (servers.length === 0) problems.push('engine.nats.servers: expected at least one server');
  const replicas = settings.get('engine.nats.replicas');
  if (replicas % 2 === 0) problems.push(`engine.nats.replicas: expected 1, 3 or 5, got ${replicas}`);
  return {
    kind: 'nats',
    servers,
    name: settings.get('engine.nats.name'),
    shards: settings.get('engine.nats.shards'),
    replicas,
    isSyncAlways: settings.get('engine.nats.sync_always'),
    idWindow: settings.get('engine.nats.id_window'),
    snapshotRecords: settings.get('engine.nats.snapshot_records'),
    reservationMs: settings.get('engine.nats.reservation_ms'),
    ...(await credentialsFrom(settings, problems)),
    ...tlsFrom(settings),
  };
}

async function credentialsFrom(settings: Settings, problems: string[]): Promise<Partial<NatsOptions>> {
  const seedFile = settings.get('engine.nats.nkey_seed_file');
  return withoutUndefined({
    user: settings.get('engine.nats.user'),
    password: await secretOrFile(settings, 'engine.nats.password', problems),
    token: await secretOrFile(settings, 'engine.nats.token', problems),
    nkeySeed: seedFile && (await readSecret('engine.nats.nkey_seed_file', seedFile, problems)),
    credentialsFile: settings.get('engine.nats.credentials_file'),
  });
}

function tlsFrom(settings: Settings): Partial<Pick<NatsOptions, 'tls'>> {
  const files = withoutUndefined({
    caFile: settings.get('engine.nats.tls_ca'),
    certFile: settings.get('engine.nats.tls_cert'),
    keyFile: settings.get('engine.nats.tls_key'),
  });
  const isHandshakeFirst = settings.get('engine.nats.tls_handshake_first');
  return Object.keys(files).length === 0 && !isHandshakeFirst ? {} : { tls: { ...files, isHandshakeFirst } };
}

/** What is absent is left out, as optional properties want it. */
function withoutUndefined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
