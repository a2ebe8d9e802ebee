import { resolveLimits } from '../limits.ts';
import type { RelayOptions } from '../relay-options.ts';
import { authFrom } from './auth-options.ts';
import { engineFrom } from './engine-options.ts';
import { configurationError } from './resolve-settings.ts';
import type { Settings } from './resolve-settings.ts';
import { limitKey, WITHOUT_EFFECT } from './settings.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The relay that the settings describe. Reads the files with secrets.
 *
 * @throws {@link RuntimeError} `invalid_argument` with all settings that contradict each other, and all files that cannot be read.
 */
export async function relayOptionsFrom(settings: Settings): Promise<RelayOptions> {
  const problems: string[] = [];
  const auth = await authFrom(settings, problems);
  const engine = await engineFrom(settings, problems);
  const tls = tlsFrom(settings, problems);
  checkLimits(settings, problems);
  if (problems.length > 0) throw configurationError(problems);
  const { host, port } = settings.get('server.grpc_listen_addr');
  const operatorAddress = settings.get('server.health_listen_addr');
  return {
    dataDir: settings.get('server.data_dir'),
    engine,
    host,
    port,
    ...(operatorAddress === undefined ? {} : { operatorAddress }),
    ...(auth === undefined ? {} : { auth }),
    ...(tls === undefined ? {} : { tls }),
    insecureOpen: settings.get('server.insecure_open'),
    retentionMs: Math.ceil(settings.get('server.message_ttl_days') * DAY_MS),
    drainPauseMs: settings.get('server.drain_pause_ms'),
    limits: settings.limits(),
  };
}

/** What to tell the operator of settings that change nothing here, a line each. */
export function noticesOf(settings: Settings): string[] {
  return Object.entries(WITHOUT_EFFECT).flatMap(([key, reason]) => {
    const source = settings.sourceOf(key);
    return source === undefined ? [] : [`${key} (${source}) has no effect: ${reason}`];
  });
}

function tlsFrom(settings: Settings, problems: string[]): RelayOptions['tls'] {
  const names = ['server.grpc_tls_cert', 'server.grpc_tls_key', 'server.grpc_tls_client_ca'] as const;
  const [certificate, key, clientCa] = names.map((name) => settings.get(name));
  if (certificate !== undefined && key !== undefined) {
    return { certificate, key, ...(clientCa === undefined ? {} : { clientCa }) };
  }
  if (certificate !== key) problems.push('server.grpc_tls_cert and server.grpc_tls_key: expected both or neither');
  else if (clientCa !== undefined) {
    problems.push('server.grpc_tls_client_ca: expected server.grpc_tls_cert and server.grpc_tls_key with it');
  }
  return undefined;
}

function checkLimits(settings: Settings, problems: string[]): void {
  const { maxPayloadBytes, maxFrameBytes } = { ...resolveLimits(), ...settings.limits() };
  if (maxPayloadBytes <= maxFrameBytes) return;
  const [payload, frame] = [limitKey('maxPayloadBytes'), limitKey('maxFrameBytes')];
  problems.push(`${payload}: expected at most ${frame}, which is ${maxFrameBytes}, got ${maxPayloadBytes}`);
}
