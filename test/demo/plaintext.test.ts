import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { distinctiveLines, findPlaintext } from '../../examples/demo/plaintext.ts';

const SECRET = 'Grüße, "quoted" and secret';
const LINES = ['nothing of this is anywhere', SECRET, 'short'];

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skytale-plaintext-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function plant(content: string | Buffer): void {
  mkdirSync(join(directory, 'below'), { recursive: true });
  writeFileSync(join(directory, 'below', 'planted'), Buffer.concat([Buffer.alloc(5), Buffer.from(content)]));
}

describe('finds a line', () => {
  test.each([
    ['plain', SECRET],
    ['plain', JSON.stringify({ text: SECRET })],
    ['hexadecimal', Buffer.from(SECRET).toString('hex')],
    ['hexadecimal', Buffer.from(SECRET).toString('hex').toUpperCase()],
  ])('that is %s', (form, content) => {
    plant(content);
    expect(findPlaintext(directory, LINES)).toContainEqual({ line: 2, form, file: 'planted' });
  });

  test.each([0, 1, 2, 3, 4, 5])('that is base64 with %i bytes in front and others behind', (bytes) => {
    plant(Buffer.from(`${'?'.repeat(bytes)}${SECRET}, and so on`).toString('base64'));
    expect(findPlaintext(directory, LINES)).toContainEqual({ line: 2, form: 'base64', file: 'planted' });
  });

  test('that is indented', () => {
    plant('  deeply indented text');
    expect(findPlaintext(directory, ['\tdeeply indented text  '])).toHaveLength(1);
  });

  test('of the least length, at the end of the file', () => {
    plant('twelve bytes');
    expect(findPlaintext(directory, ['twelve bytes'])).toHaveLength(1);
  });
});

test('finds nothing in other bytes', () => {
  plant('nothing of this is any… Grüße, “quoted”, short');
  expect(findPlaintext(directory, LINES)).toEqual([]);
});

test('looks for lines of twelve bytes and more that are no part of the channel’s name', () => {
  expect(
    distinctiveLines(['eleven byte', 'twelve bytes', ' '.repeat(40), 'acme/research/summarizer', 'äöüäöü']),
  ).toEqual([2, 5]);
});
