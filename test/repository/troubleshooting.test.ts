import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const fromRoot = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** `file`: "name", and further names of the same file. */
const guide = fromRoot('docs/troubleshooting.md').replace(/\s+/g, ' ');
const named = [...guide.matchAll(/`(?<file>[\w/.-]+\.test\.ts)`: (?<names>"[^"]+"(?:, and "[^"]+")*)/g)].flatMap(
  ({ groups }) =>
    [...(groups?.['names'] ?? '').matchAll(/"(?<name>[^"]+)"/g)].map(({ groups: inner }) => ({
      file: groups?.['file'] ?? '',
      name: inner?.['name'] ?? '',
    })),
);

it('finds the tests that the troubleshooting guide names', () => {
  expect(named.length).toBeGreaterThan(8);
});

it.each(named)('has the test that the troubleshooting guide names: $file, $name', ({ file, name }) => {
  expect(fromRoot(`test/${file}`)).toContain(`'${name}'`);
});
