import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createEnvelope,
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  PayloadError,
  replyTo,
} from '../../../src/index.ts';
import { bytes, text } from '../../support/swarm.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const full: Envelope = {
  protocol: 'a2a',
  contentType: 'application/json; charset=utf-8',
  payload: bytes('{}'),
  id: 'task-1',
  inReplyTo: 'task-0',
  trace: { traceparent: TRACEPARENT, tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7' },
};

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
/** `SKYENV`, version 1. */
const PREFIX = 'ff 53 4b 59 45 4e 56 01';
const codeOf = (task: () => unknown): unknown => {
  try {
    return task();
  } catch (error) {
    return error instanceof PayloadError ? error.code : error;
  }
};

describe('the encoding of an envelope', () => {
  it('is eight bytes that say so, and the fields in protobuf', () => {
    const envelope: Envelope = { protocol: 'mcp', contentType: 'a/b', payload: bytes('hi'), id: 'x' };
    const encoded = hex(`${PREFIX} 0a 03 6d 63 70  12 03 61 2f 62  1a 01 78  3a 02 68 69`);
    expect(encodeEnvelope(envelope)).toEqual(encoded);
    expect(decodeEnvelope(encoded)).toEqual(envelope);
  });

  it('keeps all that an envelope says', () => {
    expect(decodeEnvelope(encodeEnvelope(full))).toEqual(full);
    for (const protocol of ['slim', 'a2a', 'acp', 'mcp', 'anp', 'lmos', 'nlip', 'of-our-own_2.0+x']) {
      const envelope = createEnvelope({ protocol, payload: 'x' });
      expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual(envelope);
    }
  });

  it('leaves a plain payload as it is, and shows it as raw', () => {
    const plain = { protocol: 'raw', contentType: 'application/octet-stream', payload: bytes('hello') };
    expect(decodeEnvelope(bytes('hello'))).toEqual(plain);
    expect(encodeEnvelope(plain)).toEqual(bytes('hello'));
    expect(decodeEnvelope(new Uint8Array())).toMatchObject({ protocol: 'raw', payload: new Uint8Array() });
  });

  it('never takes a text, or a payload that happens to begin like an envelope, for one that the sender did not mean', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        expect(decodeEnvelope(bytes(line))).toMatchObject({ protocol: 'raw', payload: bytes(line) });
      }),
    );
    const tricky = { protocol: 'raw', contentType: 'application/octet-stream', payload: encodeEnvelope(full) };
    expect(decodeEnvelope(encodeEnvelope(tricky))).toEqual(tricky);
  });

  it('skips fields of a later time, as long as they are small', () => {
    const field = (length: number): string =>
      `a2 06 ${(length % 128 | 128).toString(16)}${(length >> 7).toString(16).padStart(2, '0')} ${'00'.repeat(length)}`;
    const body = '0a 03 6d 63 70  12 03 61 2f 62  3a 02 68 69';
    expect(decodeEnvelope(hex(`${PREFIX} ${body} ${field(300)}`))).toMatchObject({ protocol: 'mcp' });
    expect(codeOf(() => decodeEnvelope(hex(`${PREFIX} ${body} ${field(5000)}`)))).toBe('invalid_payload');
  });
});

describe('a malformed envelope', () => {
  it.each([
    ['of no version', 'ff 53 4b 59 45 4e 56'],
    ['of a later version', 'ff 53 4b 59 45 4e 56 02 0a 03 6d 63 70 12 03 61 2f 62'],
    ['with nothing in it', PREFIX],
    ['that is cut off', `${PREFIX} 0a 03 6d`],
    ['with a field of the wrong type', `${PREFIX} 08 01`],
    ['without a content type', `${PREFIX} 0a 03 6d 63 70`],
    ['whose protocol is no UTF-8', `${PREFIX} 0a 03 ff fe fd 12 03 61 2f 62`],
    ['in capitals', `${PREFIX} 0a 03 4d 43 50 12 03 61 2f 62`],
    ['whose id has a line break', `${PREFIX} 0a 03 6d 63 70 12 03 61 2f 62 1a 01 0a`],
    ['with a trace that is none', `${PREFIX} 0a 03 6d 63 70 12 03 61 2f 62 2a 02 30 30`],
    ['with the state of no trace', `${PREFIX} 0a 03 6d 63 70 12 03 61 2f 62 32 03 61 3d 62`],
  ])('%s is a typed reject', (_, encoded) => {
    expect(codeOf(() => decodeEnvelope(hex(encoded)))).toBe('invalid_payload');
  });

  it('is a typed reject whatever its bytes are', () => {
    const prefix = hex(PREFIX);
    let rejects = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (rest) => {
        const outcome = codeOf(() => decodeEnvelope(Uint8Array.of(...prefix, ...rest)));
        if (outcome === 'invalid_payload') rejects += 1;
        else expect(outcome).toHaveProperty('protocol');
      }),
      { numRuns: 2_000 },
    );
    expect(rejects).toBeGreaterThan(1_000);
  });

  it('is a typed reject or a whole envelope after any one byte of it has changed', () => {
    const good = encodeEnvelope(full);
    for (let at = 0; at < good.length; at += 1) {
      for (const flip of [1, 0x80, 0xff]) {
        const outcome = codeOf(() => decodeEnvelope(good.map((byte, index) => (index === at ? byte ^ flip : byte))));
        if (outcome !== 'invalid_payload') expect(outcome).toHaveProperty('contentType');
      }
    }
  });

  it.each<[string, Partial<Envelope>]>([
    ['no protocol', { protocol: '' }],
    ['a long protocol', { protocol: 'x'.repeat(65) }],
    ['a protocol with a space', { protocol: 'a 2a' }],
    ['a type that is none', { contentType: 'json' }],
    ['a long type', { contentType: `a/${'b'.repeat(254)}` }],
    ['a type with an open quote', { contentType: 'a/b; c="d' }],
    ['an empty id', { id: '' }],
    ['a long id', { id: 'x'.repeat(129) }],
    ['an answer to nothing', { inReplyTo: '' }],
    ['an id that is no text', { id: 7 as never }],
    ['a payload that is no bytes', { payload: 'text' as never }],
    ['a trace that is none', { trace: null as never }],
  ])('is not sent: %s', (_, wrong) => {
    expect(codeOf(() => encodeEnvelope({ ...full, ...wrong }))).toBe('invalid_payload');
  });

  it('does not quote what is wrong, which may be a secret', () => {
    expect(() => encodeEnvelope({ ...full, id: 'my secret' })).toThrow(/^channel error: (?!.*secret)/);
  });
});

describe('trace context', () => {
  const isGood = (trace: unknown): boolean =>
    codeOf(() => encodeEnvelope({ ...full, trace: trace as NonNullable<Envelope['trace']> })) !== 'invalid_payload';

  it.each([
    [TRACEPARENT, true],
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', true],
    ['cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like', true],
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', false],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', false],
    ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', false],
    ['00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01', false],
    ['00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01', false],
    ['', false],
  ])('has %j as its parent: %s', (traceparent, expected) => {
    expect(isGood({ traceparent })).toBe(expected);
  });

  it.each([
    ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', true],
    ['a=1 , b=2,,c=3', true],
    ['fw529a3039@dt=FfcAAABhYgAAZWE', true],
    ['a=1,a=2', false],
    ['A=1', false],
    ['a', false],
    ['=1', false],
    ['', false],
    [Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(','), false],
    [`a=${'x'.repeat(256)},b=${'x'.repeat(256)}`, false],
  ])('has %j as its state: %s', (tracestate, expected) => {
    expect(isGood({ traceparent: TRACEPARENT, tracestate })).toBe(expected);
  });
});

describe('createEnvelope', () => {
  it('fills in the content type and an id', () => {
    const envelope = createEnvelope({ protocol: 'mcp', payload: '{}' });
    expect(envelope).toMatchObject({ contentType: 'application/json', payload: bytes('{}') });
    expect(envelope.id).toMatch(/^[0-9a-f]{32}$/);
    expect(createEnvelope({ protocol: 'mcp', payload: '{}' }).id).not.toBe(envelope.id);
    expect(createEnvelope({ protocol: 'unheard-of', payload: '' }).contentType).toBe('application/octet-stream');
  });

  it('refuses text that UTF-8 cannot tell', () => {
    expect(codeOf(() => createEnvelope({ protocol: 'mcp', payload: '\ud800' }))).toBe('invalid_payload');
  });

  it('answers in the same protocol and trace', () => {
    const answer = replyTo(full, { payload: 'done' });
    expect(answer).toMatchObject({ protocol: 'a2a', inReplyTo: 'task-1', trace: full.trace });
    expect(text(answer.payload)).toBe('done');
    expect(answer.id).not.toBe('task-1');
  });
});
