import { firstValueFrom, map, of } from 'rxjs';
import { expect, it } from 'vitest';
import { json, type PayloadCodec, PayloadError, type StandardSchema, text } from '../../../src/index.ts';
import { bytes, channelOf, next, Recorder, Swarm } from '../../support/swarm.ts';

interface Report {
  readonly city: string;
  readonly celsius: number;
}

/** As a library that speaks Standard Schema has them: degrees come as text or number, and go out as a number. */
function reportSchema(isAsync: boolean): StandardSchema<{ city: string; celsius: number | string }, Report> {
  const check = (value: unknown): ReturnType<StandardSchema<unknown, Report>['~standard']['validate']> => {
    const { city, celsius } = value as { city?: unknown; celsius?: unknown };
    if (typeof city !== 'string') return { issues: [{ message: 'no city', path: [{ key: 'city' }] }] };
    if (Number.isNaN(Number(celsius))) return { issues: [{ message: 'no number', path: ['celsius'] }] };
    return { value: { city, celsius: Number(celsius) } };
  };
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (isAsync ? Promise.resolve(value).then(check) : check(value)),
    },
  };
}

it('carries values under a codec, beside the payloads, in one order', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const view = bob.channel$.as(json<{ n: number }>());
  const order: string[] = [];
  view.subscribe(({ payload, seq }) => order.push(`value ${payload.n} at ${seq}`));
  bob.channel$.subscribe(({ seq }) => order.push(`bytes at ${seq}`));
  const raw = new Recorder(bob.channel$);

  alice.channel$.as(json<{ n: number }>()).next({ n: 1 });
  alice.channel$.as(json<{ n: number }>()).next({ n: 2 });

  const [one, two] = (await raw.until(2)).map(({ seq }) => seq);
  expect(order).toEqual([`value 1 at ${one}`, `bytes at ${one}`, `value 2 at ${two}`, `bytes at ${two}`]);
});

it('puts what does not decode on rejects$, with where it came from, and lives on', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const chat = bob.channel$.as(text());
  const seen = new Recorder(chat.pipe(map(({ payload }) => payload)));
  const rejects = new Recorder(chat.rejects$);

  await alice.send(bytes('before'));
  const { seq } = await alice.send(Uint8Array.of(0xff, 0xfe));
  await alice.send(bytes('after'));

  expect(await seen.until(2)).toEqual(['before', 'after']);
  const [reject] = rejects.values;
  expect(rejects.values.length).toBe(1);
  expect(reject).toMatchObject({
    kind: 'received',
    message: { seq, sender: bytes('alice'), payload: Uint8Array.of(0xff, 0xfe) },
    error: { code: 'invalid_payload' },
  });
  await bob.close();
  expect([seen.isComplete, rejects.isComplete]).toEqual([true, true]);
});

it.each([false, true])(
  'validates in both directions and keeps the issues (validator takes its time: %s)',
  async (isAsync) => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    const out = alice.channel$.as(json(reportSchema(isAsync)));
    const into = bob.channel$.as(json(reportSchema(isAsync)));
    const seen = new Recorder(into.messages$.pipe(map(({ payload }) => payload)));
    const rejects = new Recorder(into.rejects$);
    const unsent = new Recorder(out.rejects$);

    await out.send({ city: 'Lima', celsius: '19' });
    await alice.send(bytes('{"city":7}'));
    const bad = { city: 'Oslo', celsius: 'cold' };
    await expect(out.send(bad)).rejects.toMatchObject({
      code: 'invalid_payload',
      issues: [{ message: 'no number', path: ['celsius'] }],
    });
    out.next(bad);
    await unsent.until(1);
    await out.send({ city: 'Quito', celsius: 14 });

    expect(await seen.until(2)).toEqual([
      { city: 'Lima', celsius: 19 },
      { city: 'Quito', celsius: 14 },
    ]);
    expect(rejects.values.map(({ error }) => error instanceof PayloadError && error.issues)).toEqual([
      [{ message: 'no city', path: ['city'] }],
    ]);
    expect(unsent.values).toMatchObject([{ kind: 'unsent', value: bad }]);
  },
);

it('keeps the order of a codec that takes more time for some than for others', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  /** The first is the slowest. */
  const slow: PayloadCodec<number> = {
    async encode(value) {
      for (let turn = value; turn < 20; turn += 1) await Promise.resolve();
      return Uint8Array.of(value);
    },
    async decode([value = 0]) {
      for (let turn = value; turn < 20; turn += 1) await Promise.resolve();
      return value;
    },
  };
  const first = new Recorder(bob.channel$.as(slow).pipe(map(({ payload }) => payload)));
  const second = new Recorder(bob.channel$.as(slow).pipe(map(({ payload }) => payload)));
  const out = alice.channel$.as(slow);
  const sent = Array.from({ length: 20 }, (_, index) => index);

  const receipts = await Promise.all(sent.map((value) => out.send(value)));

  expect(await first.until(20)).toEqual(sent);
  expect(await second.until(20)).toEqual(sent);
  const seqs = receipts.map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
});

it('hands a consumer what decodes, and acknowledges the rest', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const chat = bob.channel$.as(text());
  const handled: string[] = [];
  const rejected = next(chat.rejects$);
  const both = new Promise<void>((resolve) => {
    chat.consume(({ payload }) => {
      handled.push(payload);
      if (handled.length === 2) resolve();
    });
  });

  await alice.send(bytes('one'));
  await alice.send(Uint8Array.of(0xff));
  await alice.send(bytes('two'));
  await both;

  expect(handled).toEqual(['one', 'two']);
  expect((await rejected).kind).toBe('received');
});

it('refuses a value that has no form', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  await expect(alice.channel$.as(text()).send('half a pair: \ud800')).rejects.toMatchObject({
    code: 'invalid_payload',
  });
  await expect(alice.channel$.as(json<unknown>()).send(undefined)).rejects.toMatchObject({ code: 'invalid_payload' });
  await expect(alice.channel$.as(json<unknown>()).send(1n)).rejects.toMatchObject({ code: 'invalid_payload' });
  await alice.close();
  expect(() => alice.channel$.as(text()).next('late')).toThrow('is closed');
});

it('asks and answers in values, and ends a request whose reply is none', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const double = json<number>();
  bob.channel$
    .as(double)
    .respond(({ payload }) => (payload === 0 ? of(undefined as unknown as number) : of(payload * 2)));
  const numbers = alice.channel$.as(double);
  const options = { timeoutMs: 10_000 };

  expect((await firstValueFrom(numbers.request(21, options))).payload).toBe(42);
  await expect(firstValueFrom(numbers.request(0, options))).rejects.toMatchObject({ code: 'request_failed' });
  await expect(firstValueFrom(alice.channel$.as(text()).request('no number', options))).rejects.toMatchObject({
    code: 'request_failed',
  });
  await expect(firstValueFrom(numbers.request(1n as unknown as number, options))).rejects.toMatchObject({
    code: 'invalid_payload',
  });
  const noText = alice.channel$.as({ ...text(), decode: () => Promise.reject(new Error('no')) });
  await expect(firstValueFrom(noText.request('21', options))).rejects.toMatchObject({ code: 'invalid_payload' });
});
