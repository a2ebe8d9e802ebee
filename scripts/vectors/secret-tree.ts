import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { createSecretTree, deriveKey, deriveNonce, ratchetUntil } from 'ts-mls/secretTree.js';
import type { SecretTreeNode } from 'ts-mls/secretTree.js';
import { expandSenderDataKey, expandSenderDataNonce } from 'ts-mls/sender.js';
import { fromHex, Vector } from './vector.ts';
import type { Report } from './report.ts';

const RETENTION = { retainKeysForGenerations: 10, retainKeysForEpochs: 1, maximumForwardRatchetSteps: 2 ** 16 };

/** Keys and nonces of sender data and of both ratchets of every leaf (RFC 9420 §9). */
export async function secretTree(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const senderData = vector.child('sender_data');
  const [secret, ciphertext] = [senderData.bytes('sender_data_secret'), senderData.bytes('ciphertext')];
  report.equal('sender data key', await expandSenderDataKey(suite, secret, ciphertext), senderData.bytes('key'));
  report.equal('sender data nonce', await expandSenderDataNonce(suite, secret, ciphertext), senderData.bytes('nonce'));

  const leaves = vector.list('leaves');
  const tree = await createSecretTree(
    leaves.length,
    fromHex(vector.text('encryption_secret'), 'the secret'),
    suite.kdf,
  );
  for (const [leaf, generations] of leaves.entries()) {
    const node = tree[2 * leaf];
    if (node === undefined) {
      report.fail(`leaf ${leaf}`, 'has no ratchets');
      continue;
    }
    for (const expected of (generations as unknown[]).map((value) => new Vector(value, `leaf ${leaf}`))) {
      await checkGeneration(node, leaf, expected, suite, report);
    }
  }
}

async function checkGeneration(
  node: SecretTreeNode,
  leaf: number,
  expected: Vector,
  suite: CiphersuiteImpl,
  report: Report,
): Promise<void> {
  const generation = expected.number('generation');
  for (const use of ['application', 'handshake'] as const) {
    const [ratchet] = await ratchetUntil(node[use], generation, RETENTION, suite.kdf);
    const name = `leaf ${leaf}, generation ${generation}: ${use}`;
    report.equal(`${name} key`, await deriveKey(ratchet.secret, generation, suite), expected.bytes(`${use}_key`));
    report.equal(`${name} nonce`, await deriveNonce(ratchet.secret, generation, suite), expected.bytes(`${use}_nonce`));
  }
}
