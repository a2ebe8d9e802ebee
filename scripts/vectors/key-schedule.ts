import { encode } from 'ts-mls/codec/tlsEncoder.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { groupContextEncoder } from 'ts-mls/groupContext.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { initializeEpoch, mlsExporter } from 'ts-mls/keySchedule.js';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** The key schedule over several epochs (RFC 9420 §8). */
export async function keySchedule(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  let initSecret = vector.bytes('initial_init_secret');
  for (const [index, epoch] of vector.children('epochs').entries()) {
    const name = (what: string): string => `epoch ${index}: ${what}`;
    const groupContext: GroupContext = {
      version: 'mls10',
      cipherSuite: suite.name,
      groupId: vector.bytes('group_id'),
      epoch: BigInt(index),
      treeHash: epoch.bytes('tree_hash'),
      confirmedTranscriptHash: epoch.bytes('confirmed_transcript_hash'),
      extensions: [],
    };
    report.equal(name('group_context'), encode(groupContextEncoder)(groupContext), epoch.bytes('group_context'));

    const secrets = await initializeEpoch(
      initSecret,
      epoch.bytes('commit_secret'),
      groupContext,
      epoch.bytes('psk_secret'),
      suite.kdf,
    );
    const derived = secrets.keySchedule;
    const expected: [field: string, actual: Uint8Array][] = [
      ['joiner_secret', secrets.joinerSecret],
      ['welcome_secret', secrets.welcomeSecret],
      ['encryption_secret', secrets.encryptionSecret],
      ['init_secret', derived.initSecret],
      ['sender_data_secret', derived.senderDataSecret],
      ['exporter_secret', derived.exporterSecret],
      ['epoch_authenticator', derived.epochAuthenticator],
      ['external_secret', derived.externalSecret],
      ['confirmation_key', derived.confirmationKey],
      ['membership_key', derived.membershipKey],
      ['resumption_psk', derived.resumptionPsk],
    ];
    for (const [field, actual] of expected) report.equal(name(field), actual, epoch.bytes(field));

    const external = await suite.hpke.deriveKeyPair(derived.externalSecret);
    report.equal(
      name('external_pub'),
      await suite.hpke.exportPublicKey(external.publicKey),
      epoch.bytes('external_pub'),
    );
    const exporter = epoch.child('exporter');
    report.equal(
      name('exporter'),
      await mlsExporter(
        derived.exporterSecret,
        exporter.text('label'),
        exporter.bytes('context'),
        exporter.number('length'),
        suite,
      ),
      exporter.bytes('secret'),
    );
    ({ initSecret } = derived);
  }
}
