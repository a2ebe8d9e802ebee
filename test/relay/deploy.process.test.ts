import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { DEFAULT_PLANS } from '../../src/relay/access/index.ts';
import { loadConfiguration } from '../../src/relay/config/load-configuration.ts';
import { findSetting, KEYS, NAMED_SETTINGS } from '../../src/relay/config/settings.ts';
import { PrometheusMetrics } from '../../src/relay/metrics/prometheus-metrics.ts';
import { refusalFromWire } from '../../src/transport/index.ts';
import { Refusal } from '../../src/transport/gen/skytale/relay/v1/relay_pb.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const path = (name: string): string => join(ROOT, name);
const read = (name: string): string => readFileSync(path(name), 'utf8');
const manifest = JSON.parse(read('package.json')) as { bin: Record<string, string> };

/** What a key has if nobody says anything, as a file would hold it; `undefined` for nothing. */
function fallbackOf(key: string): unknown {
  const { setting, pattern } = findSetting(key)!;
  if (pattern === key) return setting.toFile(setting.fallback);
  const plan = /^plans\.(\w+)\.messages_per_month$/.exec(key)?.[1];
  return plan === undefined ? undefined : (DEFAULT_PLANS[plan]?.messagesPerMonth ?? 'unlimited');
}

/** Leaves of a table, by their path. */
function leaves(table: object, above = ''): [string, unknown][] {
  return Object.entries(table).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leaves(value as object, `${above}${name}.`)
      : [[`${above}${name}`, value] as [string, unknown]],
  );
}

describe('deploy/supernode.toml', () => {
  const sample = read('deploy/supernode.toml');
  const uncommented = sample.replaceAll(/^#(?=[\w-]+ = )/gm, '');
  const keys = leaves(parseToml(uncommented));

  test('changes nothing as it is', async () => {
    const flags = { set: [] };
    const ours = await loadConfiguration({ file: path('deploy/supernode.toml'), environment: {}, flags });
    const without = await loadConfiguration({ file: undefined, environment: {}, flags });
    expect(ours.options).toEqual(without.options);
    expect(ours.notices).toEqual([]);
  });

  test('has every key, and no other', () => {
    const patterns = new Set(keys.map(([key]) => findSetting(key)?.pattern ?? `unknown: ${key}`));
    expect([...patterns].sort()).toEqual([...KEYS.keys(), ...Object.keys(NAMED_SETTINGS)].sort());
  });

  test('shows the defaults that hold, and says of the others that there is none', () => {
    const withoutDefault = new Set([...uncommented.matchAll(/^([\w-]+) = .*# no default$/gm)].map(([, name]) => name));
    for (const [key, value] of keys) {
      const fallback = fallbackOf(key);
      const name = key.slice(key.lastIndexOf('.') + 1);
      if (fallback === undefined) expect(withoutDefault, key).toContain(name);
      else expect(value, key).toEqual(fallback);
    }
  });

  test('shows examples that are taken', () => {
    for (const [key, value] of keys) expect(findSetting(key)!.setting.check(value), key).not.toBeUndefined();
  });
});

describe('docs/relay.md', () => {
  const text = read('docs/relay.md');
  const rows = [...text.matchAll(/^\| `([^`]+)` +\|([^|]*)\|/gm)].map(
    ([, name, second]) => [name!, second!.trim()] as const,
  );

  test('has a row for every key, with its default', () => {
    const documented = rows.filter(([name]) => /^(server|auth|plans|engine|limits|log|privacy)\./.test(name));
    const expected = [...KEYS].map(([key, setting]) => {
      const value = setting.toFile(setting.fallback);
      return [key, value === undefined ? '' : `\`${String(value)}\``];
    });
    const named = Object.keys(NAMED_SETTINGS).map((key) => [key, '']);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries([...expected, ...named]));
    expect(documented).toHaveLength(expected.length + named.length);
  });

  test('has a row for every metric of the relay', async () => {
    const metrics = new PrometheusMetrics();
    metrics.watch({
      load: () => ({
        connections: 0,
        sessions: 0,
        subscriptions: 0,
        unreadBytes: 0,
        unansweredBytes: 0,
        recentBytes: 0,
      }),
      health: () =>
        Promise.resolve({ engine: 'memory', status: 'ok', durability: 'process', warnings: [], details: {} }),
    });
    const names = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(
      rows
        .map(([name]) => name)
        .filter((name) => name.startsWith('skytale_'))
        .sort(),
    ).toEqual(names.sort());
  });

  test('has a row for every refusal', () => {
    const reasons = (Object.values(Refusal) as (string | Refusal)[])
      .filter((value) => typeof value === 'number')
      .filter((value) => value !== Refusal.UNSPECIFIED)
      .map(refusalFromWire);
    const section = text.slice(text.indexOf('| Refusal'), text.indexOf('A bad or expired token'));
    const documented = [...section.matchAll(/^\| `([\w-]+)`/gm)].map(([, reason]) => reason);
    expect(documented.sort()).toEqual(reasons.sort());
  });
});

describe('deploy/', () => {
  test.each(['container.toml', 'compose.toml'])('%s is a configuration that can be used', async (name) => {
    const secret = join(await temporaryDirectory(), 'secret');
    await writeFile(secret, 'the-secret-of-this-test-0123456789');
    const { options } = await loadConfiguration({
      file: path(`deploy/${name}`),
      environment: { SKYTALE_RELAY_JWT_SECRET_FILE: secret },
      flags: { set: [] },
    });
    expect(options).toMatchObject({ host: '0.0.0.0', port: 5000, operatorAddress: { port: 8443 } });
  });

  test('what the files name is there', async () => {
    const dockerfile = read('deploy/Dockerfile');
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) => names!.split(' '));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) expect(existsSync(path(source)), source).toBe(true);
    const allowed = read('deploy/Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    expect(allowed.map((line) => line.slice(1)).sort()).toEqual([...new Set(sources)].sort());
    expect(dockerfile).toContain(`"/app/${manifest.bin['skytale-relay']!.replace('./', '')}"`);
    const compose = read('deploy/compose.yaml');
    for (const [, name] of compose.matchAll(/\.\/([\w.-]+\.(?:toml|conf)):/g)) {
      expect(await readdir(path('deploy'))).toContain(name);
    }
    expect(compose).toContain('dockerfile: deploy/Dockerfile');
  });

  test('the systemd unit calls a command of the package, with variables that there are', async () => {
    const unit = await readFile(path('deploy/skytale-relay.service'), 'utf8');
    const command = /^ExecStart=\S*\/([\w-]+) --config/m.exec(unit)?.[1];
    expect(Object.keys(manifest.bin)).toContain(command);
    const environment = Object.fromEntries(
      [...unit.matchAll(/^Environment=(SKYTALE_RELAY_\w+)=/gm)].map(([, name]) => [name!, '/nowhere/x'] as const),
    );
    expect(Object.keys(environment)).toHaveLength(2);
    await expect(loadConfiguration({ file: undefined, environment, flags: { set: [] } })).rejects.toThrow(
      /:\n {2}server\.jwt_secret_file: \/nowhere\/x cannot be read \(ENOENT\)$/,
    );
  });

  test('the systemd unit is one that systemd understands', async ({ skip }) => {
    const tool = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find((each) => existsSync(each));
    if (tool === undefined) return skip('systemd-analyze is not on this machine');
    const copy = join(await temporaryDirectory(), 'skytale-relay.service');
    await writeFile(
      copy,
      read('deploy/skytale-relay.service').replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`),
    );
    const { stdout, stderr } = await run(tool, ['verify', '--man=no', copy]);
    expect(stdout + stderr).toBe('');
  });
});
