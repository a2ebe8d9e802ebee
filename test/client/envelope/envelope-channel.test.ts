import { expect, it } from 'vitest';
import { type Envelope, envelopes } from '../../../src/index.ts';
import { bytes, channelOf, Recorder, Swarm, text } from '../../support/swarm.ts';

it('carries envelopes over a channel, between plain payloads, and goes on behind a malformed one', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const agents$ = bob.channel$.as(envelopes());
  const seen = new Recorder(agents$);
  const rejects = new Recorder(agents$.rejects$);
  const toAgents$ = alice.channel$.as(envelopes());

  await toAgents$.send({ protocol: 'a2a', payload: '{"task":1}', id: 'one' });
  await alice.send(bytes('plain'));
  await alice.send(Uint8Array.of(0xff, ...bytes('SKYENV'), 1, 0xff));
  await toAgents$.send({ protocol: 'unheard-of', contentType: 'x/y', payload: Uint8Array.of(1, 2) });

  const shown = ({ protocol, payload, id }: Envelope): unknown[] => [protocol, text(payload), id];
  expect((await seen.until(3)).map(({ payload }) => shown(payload)).slice(0, 2)).toEqual([
    ['a2a', '{"task":1}', 'one'],
    ['raw', 'plain', undefined],
  ]);
  expect(seen.values[2]?.payload).toMatchObject({ protocol: 'unheard-of', contentType: 'x/y' });
  expect(await rejects.until(1)).toMatchObject([
    { kind: 'received', error: { code: 'invalid_payload' }, message: { seq: seen.values[1]!.seq + 1 } },
  ]);
});

it('does not send an envelope that is malformed', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  const agents$ = alice.channel$.as(envelopes());
  await expect(agents$.send({ protocol: 'A2A', payload: '' })).rejects.toMatchObject({ code: 'invalid_payload' });
  expect((await agents$.send({ protocol: 'a2a', payload: '' })).seq).toBe(1);
});
