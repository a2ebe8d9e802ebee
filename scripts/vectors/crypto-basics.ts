import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { refhash } from 'ts-mls/crypto/hash.js';
import { decryptWithLabel, encryptWithLabel } from 'ts-mls/crypto/hpke.js';
import { deriveSecret, deriveTreeSecret, expandWithLabel } from 'ts-mls/crypto/kdf.js';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** The labelled primitives of RFC 9420 §5. */
export async function cryptoBasics(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const { kdf, hpke, hash, signature } = suite;
  const ref = vector.child('ref_hash');
  report.equal('ref_hash', await refhash(ref.text('label'), ref.bytes('value'), hash), ref.bytes('out'));

  const expand = vector.child('expand_with_label');
  report.equal(
    'expand_with_label',
    await expandWithLabel(
      expand.bytes('secret'),
      expand.text('label'),
      expand.bytes('context'),
      expand.number('length'),
      kdf,
    ),
    expand.bytes('out'),
  );
  const derive = vector.child('derive_secret');
  report.equal(
    'derive_secret',
    await deriveSecret(derive.bytes('secret'), derive.text('label'), kdf),
    derive.bytes('out'),
  );
  const tree = vector.child('derive_tree_secret');
  report.equal(
    'derive_tree_secret',
    await deriveTreeSecret(
      tree.bytes('secret'),
      tree.text('label'),
      tree.number('generation'),
      tree.number('length'),
      kdf,
    ),
    tree.bytes('out'),
  );

  const sign = vector.child('sign_with_label');
  const [label, content, publicKey] = [sign.text('label'), sign.bytes('content'), sign.bytes('pub')];
  report.holds(
    'sign_with_label: the given signature verifies',
    await verifyWithLabel(publicKey, label, content, sign.bytes('signature'), signature),
  );
  const own = await signWithLabel(sign.bytes('priv'), label, content, signature);
  report.holds(
    'sign_with_label: our signature verifies',
    await verifyWithLabel(publicKey, label, content, own, signature),
  );

  const seal = vector.child('encrypt_with_label');
  const privateKey = await hpke.importPrivateKey(seal.bytes('priv'));
  const recipient = await hpke.importPublicKey(seal.bytes('pub'));
  const [purpose, context, plaintext] = [seal.text('label'), seal.bytes('context'), seal.bytes('plaintext')];
  report.equal(
    'encrypt_with_label: the given ciphertext opens',
    await decryptWithLabel(privateKey, purpose, context, seal.bytes('kem_output'), seal.bytes('ciphertext'), hpke),
    plaintext,
  );
  const { enc, ct } = await encryptWithLabel(recipient, purpose, context, plaintext, hpke);
  report.equal(
    'encrypt_with_label: our ciphertext opens',
    await decryptWithLabel(privateKey, purpose, context, enc, ct, hpke),
    plaintext,
  );
}
