import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { NatsEngineOptions } from '../../src/relay/engine/nats/index.ts';
import { natsMissing, natsVersion, startNats } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { freshChannelName } from './engine/suite.ts';
import { verdictsOf } from './engine/test-channel.ts';
import { append, freshLog, openEngine } from './nats-log.ts';
import { message } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const tlsFile = (name: string): string => fileURLToPath(new URL(`../transport/support/tls/${name}`, import.meta.url));

describe.skipIf(natsMissing !== undefined)('a relay at the door of nats-server', () => {
  const serve = async (config: string): Promise<NatsServers> => {
    const nats = await startNats(config);
    onTestFinished(() => nats.stop());
    return nats;
  };
  const works = async (options: NatsEngineOptions): Promise<void> => {
    const engine = await openEngine(options);
    expect(verdictsOf(await append(engine, freshChannelName(), [message()]))).toEqual(['stored']);
  };
  /** At once: who is refused is not let in by waiting. */
  const isRefused = async (options: NatsEngineOptions): Promise<void> => {
    await expect(openEngine(options)).rejects.toMatchObject({ code: 'store_error' });
  };

  test('is let in with the right password and not with another', async () => {
    const { addresses } = await serve('authorization { user: relay, password: "s3cret" }');
    await works(freshLog(addresses, { user: 'relay', password: 's3cret' }));
    await isRefused(freshLog(addresses, { user: 'relay', password: 'wrong' }));
    await isRefused(freshLog(addresses));
  });

  test('is let in with the right token and not with another', async () => {
    const { addresses } = await serve('authorization { token: "t0ken" }');
    await works(freshLog(addresses, { token: 't0ken' }));
    await isRefused(freshLog(addresses, { token: 'wrong' }));
  });

  test('is let in with the right NKey and not with another', async () => {
    const [right, wrong] = [nkeys.createUser(), nkeys.createUser()];
    const { addresses } = await serve(`authorization { users: [ { nkey: ${right.getPublicKey()} } ] }`);
    const seedOf = (pair: typeof right): string => Buffer.from(pair.getSeed()).toString();
    await works(freshLog(addresses, { nkeySeed: seedOf(right) }));
    await isRefused(freshLog(addresses, { nkeySeed: seedOf(wrong) }));
  });

  test('is told of a credentials file that is none', async () => {
    const { addresses } = await serve('');
    const credentialsFile = join(await temporaryDirectory(), 'relay.creds');
    await isRefused(freshLog(addresses, { credentialsFile, openPatienceMs: 0 }));
    await writeFile(credentialsFile, 'no credentials');
    await isRefused(freshLog(addresses, { credentialsFile, openPatienceMs: 0 }));
  });

  test('talks TLS to a server that it can name, in both directions, and to no other', async () => {
    const [caFile, keyFile] = [tlsFile('certificate.pem'), tlsFile('key.pem')];
    const { addresses } = await serve(
      `tls { cert_file: "${caFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true }`,
    );
    await works(freshLog(addresses, { tls: { caFile, certFile: caFile, keyFile } }));
    await isRefused(freshLog(addresses, { tls: { caFile }, openPatienceMs: 0 }));
    await isRefused(freshLog(addresses, { tls: { certFile: caFile, keyFile }, openPatienceMs: 0 }));
  });

  test('says what weakens the log, and which server it is', async () => {
    const { addresses } = await serve('');
    const warnings: string[] = [];
    const engine = await openEngine(freshLog(addresses, { onWarning: (warning) => warnings.push(warning) }));
    const health = await engine.health();
    expect(health).toMatchObject({ engine: 'nats', status: 'degraded', durability: 'disk' });
    expect(health.details).toMatchObject({ server: natsVersion, replicas: 1, lag: 0 });
    expect(health.warnings.join()).toMatch(/one replica.*sync_interval: always/);
    expect(warnings).toEqual(health.warnings);
  });
});
