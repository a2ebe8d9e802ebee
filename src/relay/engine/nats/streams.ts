import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { RuntimeError } from '../../../base/errors.ts';
import type { NatsEngineSettings } from './nats-options.ts';
import type { SubjectNames } from './subjects.ts';

/** How long the server knows the id of a record. It costs memory there; what comes later is recognised by the fold. */
const DUPLICATE_WINDOW_MS = 2 * 60 * 1000;
/** What relays have not trimmed by then, because none ran, the servers delete. */
const GRACE_MS = 7 * 24 * 60 * 60 * 1000;
/** Longer than any month. */
const QUOTA_AGE_MS = 70 * 24 * 60 * 60 * 1000;
const FORMAT = '1';
/** Stream names taken by somebody else's layout, or by the same layout made at the same moment. */
const NAME_IN_USE = 10_058;

/**
 * Creates the streams of the log, or checks that those that are there are of this layout.
 *
 * @throws {@link RuntimeError} `invalid_argument` if the log was created with other `shards`, `replicas` or `idWindow`,
 * `data_dir_version` if by a newer relay, `store_error` if the servers cannot do it.
 */
export async function openStreams(
  manager: JetStreamManager,
  names: SubjectNames,
  settings: NatsEngineSettings,
): Promise<void> {
  const { shards, replicas, retentionMs, idWindow } = settings;
  const layout = { 'skytale.format': FORMAT, 'skytale.shards': `${shards}`, 'skytale.ids': `${idWindow}` };
  const base = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    allow_direct: true,
    deny_delete: false,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
  const facts = { ...base, name: names.facts, subjects: [names.factSubjects], metadata: layout };
  checkLayout(await ensure(manager, facts), settings);
  await ensure(manager, {
    ...base,
    name: names.quotas,
    subjects: [names.quotaSubjects],
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.Old,
    max_age: nanos(QUOTA_AGE_MS),
  });
  await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      ensure(manager, {
        ...base,
        name: names.shard(shard),
        subjects: [names.shardSubjects(shard)],
        max_age: nanos(retentionMs + GRACE_MS),
      }),
    ),
  );
}

async function ensure(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo> {
  const { name } = config;
  try {
    const info = await manager.streams.info(name);
    const { max_age: maxAge = 0 } = config;
    if (info.config.max_age >= maxAge) return info;
    // Whoever is to keep entries longest decides.
    return await manager.streams.update(name, { ...info.config, max_age: maxAge });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'stream not found') throw storeError(name, error);
  }
  try {
    return await manager.streams.add(config);
  } catch (error) {
    // Two relays that start at once create it with configurations that differ in nothing that matters.
    if ((error as { code?: unknown }).code === NAME_IN_USE) return manager.streams.info(name);
    throw storeError(name, error);
  }
}

function checkLayout({ config }: StreamInfo, { shards, replicas, idWindow }: NatsEngineSettings): void {
  const { metadata } = config;
  if (metadata?.['skytale.format'] !== FORMAT) {
    throw new RuntimeError(
      'data_dir_version',
      `the streams of the log are of the form ${metadata?.['skytale.format']}`,
    );
  }
  const facts = [
    ['shards', metadata['skytale.shards'], shards],
    ['idWindow', metadata['skytale.ids'], idWindow],
    ['replicas', config.num_replicas, replicas],
  ] as const;
  for (const [option, actual, expected] of facts) {
    if (Number(actual) === expected) continue;
    const detail = `Expected \`${option}\` to be ${actual}, with which the log was created, got ${expected}.`;
    throw new RuntimeError('invalid_argument', detail);
  }
}

function storeError(stream: string, cause: unknown): RuntimeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError('store_error', `the stream ${stream} cannot be opened: ${reason}`, { cause });
}
