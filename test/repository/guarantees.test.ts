import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const fromRoot = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const promises = [...fromRoot('README.md').matchAll(/^\| (?<promise>.+?) +\| `(?<file>.+?)` +\|$/gm)].map(
  ({ groups }) => ({ promise: groups?.['promise'] ?? '', file: groups?.['file'] ?? '' }),
);

it('finds the promises of the README', () => {
  expect(promises.length).toBeGreaterThan(15);
});

it.each(promises)('has a test by the name of: $promise', ({ promise, file }) => {
  expect(fromRoot(`test/${file}`)).toContain(`'${promise}'`);
});
