/** A user's first program. `npm run pack:check` compiles and runs it in an empty project. */
import assert from 'node:assert/strict';
import { parseChannelName, SkytaleError } from 'skytale-rx';
import * as control from 'skytale-rx/control';
import * as relay from 'skytale-rx/relay';
import { World } from 'skytale-rx/replay';

assert.equal(parseChannelName('acme/research/summarizer'), 'acme/research/summarizer');
assert.throws(
  () => parseChannelName('bad-name'),
  (error) => error instanceof SkytaleError && error.code === 'channel_error',
);
assert.equal(typeof relay.startRelay, 'function');
assert.equal(typeof control.startControlPlane, 'function');
assert.equal(new World({ seed: 7 }).seed, 7);
