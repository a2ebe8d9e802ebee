import { describe, expect, test } from 'vitest';
import { pinoLogger } from '../../src/relay/pino-logger.ts';
import { A, B } from './access/support/guarded-relay.ts';
import { claimsAt, hs256, SECRET } from './access/support/tokens.ts';
import { RawClient } from './support/raw-client.ts';
import { startTestRelay } from './support/relay.ts';
import { CHANNEL, commit, fresh, GROUP, message, messages, OTHER_GROUP } from './support/submissions.ts';

/** A logger that keeps its lines. */
function keepingLogger(level = 'debug'): { logger: ReturnType<typeof pinoLogger>; lines: string[] } {
  const lines: string[] = [];
  return { logger: pinoLogger(level, { write: (line) => void lines.push(line) }), lines };
}

/** How bytes could show in a line: hexadecimal, both alphabets of base64, and as JSON writes a Buffer or a Uint8Array. */
function spellings(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const base64 = buffer.toString('base64').replace(/=+$/, '');
  return [
    buffer.toString('hex'),
    buffer.toString('hex').toUpperCase(),
    base64.slice(0, -1),
    buffer.toString('base64url').slice(0, -1),
    [...buffer].join(','),
    [...buffer].map((byte, index) => `"${index}":${byte}`).join(','),
  ];
}

describe('the log', () => {
  test('of a session with tokens, refusals and a used-up quota holds no secret, payload or id at debug level', async () => {
    const { logger, lines } = keepingLogger();
    const plans = { small: { messagesPerMonth: 3 } };
    const auth = { secrets: [{ secret: SECRET }], plans };
    const relay = await startTestRelay({ auth, logger, limits: { maxWelcomeWaits: 1 } });
    const token = (account: string, changes: object = {}): string =>
      hs256(claimsAt(Date.now(), { sub: account, plan: 'small', ...changes }));
    const [ofAlice, renewed, ofBob, expired] = [
      token(A),
      token(A, { exp: Math.floor(Date.now() / 1000) + 1800 }),
      token(B),
      token(A, { exp: 1000 }),
    ];
    const ref = fresh(32);
    const sent = [...messages(2), commit(0n, [{ keyPackageRefs: [ref], payload: fresh(90) }])];

    const alice = await RawClient.connect(relay.endpoint, ofAlice);
    await alice.publish(sent);
    alice.subscribe(1);
    await alice.entriesUpTo(1, 3);
    alice.send({ case: 'authenticate', value: { token: renewed } });
    await alice.next('authenticated');
    alice.send({ case: 'authenticate', value: { token: expired } });
    await alice.next('authenticationRefused');
    const over = [message(1n), message(1n)];
    expect(await alice.publish(over)).toMatchObject([{ kind: 'accepted' }, { reason: 'quota-exceeded' }]);
    expect(await alice.publish([message()], CHANNEL, OTHER_GROUP)).toMatchObject([{ kind: 'refused' }]);

    const bob = await RawClient.connect(relay.endpoint, ofBob);
    expect(await bob.publish([message(1n)])).toMatchObject([{ reason: 'unauthorized' }]);
    bob.subscribe(1);
    await bob.next('subscriptionRefused');
    bob.send({ case: 'awaitWelcome', value: { keyPackageRef: ref } });
    await bob.next('welcome');
    const greedy = await RawClient.connect(relay.endpoint, ofBob);
    for (const byte of [1, 2]) greedy.send({ case: 'awaitWelcome', value: { keyPackageRef: fresh(32).fill(byte) } });
    await greedy.ended;
    const broken = await RawClient.connect(relay.endpoint, ofBob);
    broken.sendBytes(Buffer.from('this-is-no-frame-but-a-secret'));
    await broken.ended;
    for (const bad of [expired, `${ofBob}x`, 'not-a-token', undefined]) await new RawClient(relay.endpoint, bad).ended;
    await relay.close();

    const log = lines.join('');
    expect(log).toContain('client connected');
    expect(log).toContain('connection refused');
    expect(lines.length).toBeGreaterThan(5);
    const tokens = [ofAlice, renewed, ofBob, expired].flatMap((each) => [each, ...each.split('.').slice(1)]);
    const bytes = [
      GROUP,
      OTHER_GROUP,
      ref,
      ...[...sent, ...over].flatMap(({ messageId, payload }) => [messageId, payload]),
    ];
    for (const secret of [SECRET, 'this-is-no-frame', 'not-a-token', ...tokens, ...bytes.flatMap(spellings)]) {
      expect(log.includes(secret), secret).toBe(false);
    }
  });

  test('is not filled by strangers: of what they cause it writes some lines, and how many more there were', async () => {
    const { logger, lines } = keepingLogger('warn');
    const relay = await startTestRelay({ auth: { secrets: [{ secret: SECRET }] }, logger });
    for (let count = 0; count < 50; count += 1) await new RawClient(relay.endpoint, 'no-token').ended;
    await relay.close();
    const written = lines.map((line) => JSON.parse(line) as { msg: string; unwritten?: number });
    const refused = written.filter(({ msg }) => msg === 'token refused').length;
    const unwritten = written.reduce((sum, line) => sum + (line.unwritten ?? 0), 0);
    expect(refused).toBeGreaterThanOrEqual(20);
    expect(unwritten).toBeGreaterThan(0); // fifty take less than two minutes
    expect(refused + unwritten).toBe(50);
  });

  test('is a line of JSON for each event, with its level and time', () => {
    const { logger, lines } = keepingLogger('info');
    logger.debug({}, 'not shown');
    logger.warn({ entries: 3 }, 'shown');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string, entries: 3, msg: 'shown' },
    ]);
  });

  test('tells of an error its kind, code, message, stack and causes, and nothing that hangs on it', () => {
    const { logger, lines } = keepingLogger();
    const inner = Object.assign(new TypeError('inner'), { code: 'EINNER', payload: { token: 'secret-1' } });
    const outer = Object.assign(new Error('outer', { cause: inner }), { request: 'secret-2' });
    logger.error({ err: outer }, 'broken');
    logger.error({ err: { token: 'secret-3' } }, 'thrown, and no error');
    const [first] = lines.map((line) => JSON.parse(line) as { err: Record<string, unknown> });
    expect(first?.err).toMatchObject({ type: 'Error', message: 'outer', cause: { type: 'TypeError', code: 'EINNER' } });
    expect(lines.join('')).not.toMatch(/secret-\d/);
  });

  test('survives an error that is its own cause', () => {
    const { logger, lines } = keepingLogger();
    const error = new Error('circle');
    error.cause = error;
    logger.error({ err: error }, 'broken');
    expect(lines).toHaveLength(1);
  });
});
