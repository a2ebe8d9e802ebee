import type { Given } from './given.ts';
import { SINGLE_SETTINGS } from './settings.ts';
import { readAssignment } from './sources.ts';

/** The flags that stand for a setting. */
export interface SettingFlags {
  readonly host?: string;
  readonly port?: string;
  readonly dataDir?: string;
  readonly engine?: string;
  readonly logLevel?: string;
  readonly insecureOpen?: boolean;
  /** `key=value` */
  readonly set: readonly string[];
}

const LISTEN = 'server.grpc_listen_addr';

/**
 * What the flags say; `below` is what file and environment said, of whose address `--host` and `--port` change a part.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an assignment that is none, or of a secret.
 */
export function readFlags(flags: SettingFlags, below: readonly Given[]): Given[] {
  const { dataDir, engine, logLevel, insecureOpen } = flags;
  return [
    ...listenFlags(flags, below),
    ...one('server.data_dir', '--data-dir', dataDir),
    ...one('engine.kind', '--engine', engine),
    ...one('log.level', '--log-level', logLevel),
    ...one('server.insecure_open', '--insecure-open', insecureOpen?.toString()),
    ...flags.set.map(readAssignment),
  ];
}

function listenFlags({ host, port }: SettingFlags, below: readonly Given[]): Given[] {
  if (host === undefined && port === undefined) return [];
  const setting = SINGLE_SETTINGS[LISTEN];
  const base = setting.check(below.findLast(({ key }) => key === LISTEN)?.value) ?? setting.fallback;
  const name = host ?? base.host;
  const value = `${name.includes(':') ? `[${name}]` : name}:${port ?? base.port}`;
  const source = [...(host === undefined ? [] : ['--host']), ...(port === undefined ? [] : ['--port'])].join(' ');
  return one(LISTEN, source, value);
}

function one(key: string, source: string, value: string | undefined): Given[] {
  return value === undefined ? [] : [{ key, value, isText: true, source }];
}
