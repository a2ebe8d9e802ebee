import { expect, test } from 'vitest';
import { nearest } from '../../../src/relay/config/nearest.ts';

const KNOWN = ['limits.max_connections', 'limits.max_channels', 'server.jwt_secret', 'log.level'];

test.each([
  ['limits.max_conections', 'limits.max_connections'],
  ['limit.max_channels', 'limits.max_channels'],
  ['server.jwt_sceret', 'server.jwt_secret'],
  ['log.levels', 'log.level'],
])('%s is taken for %s', (word, meant) => {
  expect(nearest(word, KNOWN)).toBe(meant);
});

test.each(['x', 'server.colour', ''])('%j is taken for nothing', (word) => {
  expect(nearest(word, KNOWN)).toBeUndefined();
});
