import type { EngineHealth } from '../log-engine.ts';
import type { NatsLink } from './nats-link.ts';
import type { NatsEngineSettings } from './nats-options.ts';
import { versionWarning } from './server-version.ts';
import type { Shard } from './shard.ts';
import type { SubjectNames } from './subjects.ts';

/** How the log on the servers is, as far as a client of theirs can know. Never rejects. */
export async function natsHealth(
  link: NatsLink,
  names: SubjectNames,
  settings: NatsEngineSettings,
  shards: readonly Shard[],
  failure: Error | undefined,
): Promise<EngineHealth> {
  const { replicas, isSyncAlways } = settings;
  const warnings: string[] = [];
  const details: Record<string, string | number> = { server: link.serverVersion, replicas, shards: settings.shards };
  if (failure !== undefined) warnings.push(failure.message);
  if (replicas === 1) warnings.push('one replica: what is acknowledged is lost with the disk of one server');
  if (!isSyncAlways) {
    warnings.push(
      'it is not declared that the servers run with `sync_interval: always`: a power failure may take what was acknowledged',
    );
  }
  const outdated = versionWarning(link.serverVersion);
  if (outdated !== undefined) warnings.push(outdated);

  let isFailing = failure !== undefined;
  if (!link.isUp) {
    isFailing = true;
    warnings.push('there is no connection to nats-server');
  } else {
    try {
      const infos = await Promise.all(
        Array.from({ length: settings.shards }, (_, shard) => link.manager.streams.info(names.shard(shard))),
      );
      details['messages'] = infos.reduce((sum, { state }) => sum + state.messages, 0);
      details['bytes'] = infos.reduce((sum, { state }) => sum + state.bytes, 0);
      details['lag'] = shards.reduce(
        (sum, { index, fold }) => sum + Math.max(0, (infos[index]?.state.last_seq ?? 0) - fold.lastRecord),
        0,
      );
      const behind = infos.filter(({ cluster }) =>
        cluster?.replicas?.some(({ current, offline }) => !current || offline),
      );
      if (behind.length > 0) warnings.push(`${behind.length} streams have replicas that are offline or behind`);
    } catch (error) {
      isFailing = true;
      const reason = error instanceof Error ? error.message : String(error);
      warnings.push(`nats-server does not answer for the log: ${reason}`);
    }
  }
  const status = isFailing ? 'failing' : warnings.length > 0 ? 'degraded' : 'ok';
  const durability = replicas > 1 ? 'replicated' : 'disk';
  return { engine: 'nats', status, durability, warnings, details };
}
