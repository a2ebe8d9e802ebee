/** `npm run secrets:check`: no tracked file holds something that looks like a real credential. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { repositoryFiles } from './lib/repository-files.ts';
import { ROOT } from './lib/root.ts';
import { finish } from './lib/run.ts';

const KINDS: readonly (readonly [string, RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}/],
  ['a live API key', /\bsk_live_[A-Za-z0-9]{24,}/],
  ['an invite token', /\bskt_inv_[A-Za-z0-9_-]{32,}/],
  ['a signed JWT', /\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}/],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['an AWS access key', /\bAKIA[0-9A-Z]{16}\b/],
];

/** Hashes look like anything; the key belongs to a certificate for localhost that only tests trust. */
const EXEMPT = ['package-lock.json', 'test/transport/support/tls/key.pem'];

const files = (await repositoryFiles()).filter((file) => !EXEMPT.includes(file));
const problems: string[] = files.length > 0 ? [] : ['there are no files'];
for (const file of files) {
  const text = readFileSync(resolve(ROOT, file), 'utf8');
  for (const [kind, pattern] of KINDS) if (pattern.test(text)) problems.push(`${file} holds what looks like ${kind}`);
}
finish('secrets:check', problems, `${files.length} files hold no credentials`);
