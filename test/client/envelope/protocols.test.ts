import { expect, it } from 'vitest';
import { json, type Protocol, Protocols } from '../../../src/index.ts';
import { bytes } from '../../support/swarm.ts';

it('knows the protocols that have names everywhere', () => {
  expect(new Protocols().names).toEqual(['a2a', 'acp', 'anp', 'lmos', 'mcp', 'nlip', 'raw', 'slim']);
});

it('speaks JSON where the protocol does', async () => {
  const protocols = new Protocols();
  const envelope = await protocols.encode('a2a', { task: 1 });
  expect(envelope).toEqual({ protocol: 'a2a', contentType: 'application/json', payload: bytes('{"task":1}') });
  expect(await protocols.decode(envelope)).toEqual({ task: 1 });
  await expect(protocols.decode({ ...envelope, payload: bytes('{') })).rejects.toMatchObject({
    code: 'invalid_payload',
  });
  await expect(protocols.encode('a2a', undefined)).rejects.toMatchObject({ code: 'invalid_payload' });
});

it('takes protocols of its user', async () => {
  const tickets: Protocol<number> = {
    name: 'acme-tickets',
    contentType: 'application/vnd.acme.ticket',
    codec: { encode: (ticket) => Uint8Array.of(ticket), decode: ([ticket]) => Promise.resolve(ticket ?? 0) },
  };
  const protocols = new Protocols([tickets]);
  const envelope = await protocols.encode('acme-tickets', 7);
  expect(envelope).toEqual({
    protocol: 'acme-tickets',
    contentType: 'application/vnd.acme.ticket',
    payload: Uint8Array.of(7),
  });
  expect(await protocols.decode(envelope)).toBe(7);
});

it('lets protocols that it does not know pass through', async () => {
  const protocols = new Protocols();
  const payload = bytes('whatever');
  expect(await protocols.decode({ protocol: 'unheard-of', contentType: 'x/y', payload })).toBe(payload);
  expect((await protocols.encode('unheard-of', payload)).payload).toBe(payload);
  await expect(protocols.encode('unheard-of', 7)).rejects.toMatchObject({ code: 'invalid_payload' });
  await expect(protocols.encode('slim', 'text')).rejects.toMatchObject({ code: 'invalid_payload' });
});

it.each<[string, Protocol]>([
  ['a name that is none', { name: 'Acme', contentType: 'a/b' }],
  ['a type that is none', { name: 'acme', contentType: 'json' }],
  ['a name that is taken', { name: 'mcp', contentType: 'application/json', codec: json() }],
])('refuses %s', (_, protocol) => {
  expect(() => new Protocols([protocol])).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
});
