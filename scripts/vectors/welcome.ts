import { decodeMlsMessage } from 'ts-mls';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from 'ts-mls/groupInfo.js';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/welcome.js';
import { decodeKeyPackageMessage } from '../../src/mls/key-package.ts';
import { decodeWhole } from '../../src/mls/decode.ts';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** Decrypting a Welcome, and checking what is in it (RFC 9420 §12.4.3.1). */
export async function welcome(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const message = decodeWhole(
    decodeMlsMessage,
    vector.bytes('welcome'),
    (cause) => new Error('The Welcome does not decode.', { cause }),
  );
  if (message.wireformat !== 'mls_welcome') {
    report.fail('welcome', `is a message of kind ${message.wireformat}`);
    return;
  }
  const ref = await makeKeyPackageRef(decodeKeyPackageMessage(vector.bytes('key_package')), suite.hash);
  const initKey = await suite.hpke.importPrivateKey(vector.bytes('init_priv'));
  const secrets = await decryptGroupSecrets(initKey, ref, message.welcome, suite.hpke);
  if (secrets === undefined) {
    report.fail('group secrets', 'do not decode');
    return;
  }
  report.holds('the group secrets open', true);
  const noPsk = new Uint8Array(suite.kdf.size);
  const groupInfo = await decryptGroupInfo(message.welcome, secrets.joinerSecret, noPsk, suite);
  if (groupInfo === undefined) {
    report.fail('group info', 'does not decode');
    return;
  }
  report.holds('the group info opens', true);
  report.holds(
    'signature of the group info',
    await verifyGroupInfoSignature(groupInfo, vector.bytes('signer_pub'), suite.signature),
  );
  report.holds(
    'confirmation tag of the group info',
    await verifyGroupInfoConfirmationTag(groupInfo, secrets.joinerSecret, noPsk, suite),
  );
}
