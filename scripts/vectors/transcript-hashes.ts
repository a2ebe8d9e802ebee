import { decodeAuthenticatedContent } from 'ts-mls/authenticatedContent.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { verifyConfirmationTag } from 'ts-mls/framedContent.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/transcriptHash.js';
import { decodeWhole } from '../../src/mls/decode.ts';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** The transcript hashes after a commit, and its confirmation tag (RFC 9420 §8.2). */
export async function transcriptHashes(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const { wireformat, content, auth } = decodeWhole(
    decodeAuthenticatedContent,
    vector.bytes('authenticated_content'),
    (cause) => new Error('The authenticated content does not decode.', { cause }),
  );
  if (content.contentType !== 'commit' || auth.contentType !== 'commit') {
    report.fail('authenticated_content', 'is no commit');
    return;
  }
  const confirmed = await createConfirmedHash(
    vector.bytes('interim_transcript_hash_before'),
    { wireformat, content, signature: auth.signature },
    suite.hash,
  );
  report.equal('confirmed_transcript_hash_after', confirmed, vector.bytes('confirmed_transcript_hash_after'));
  report.holds(
    'confirmation tag',
    await verifyConfirmationTag(vector.bytes('confirmation_key'), auth.confirmationTag, confirmed, suite.hash),
  );
  const interim = await createInterimHash(confirmed, auth.confirmationTag, suite.hash);
  report.equal('interim_transcript_hash_after', interim, vector.bytes('interim_transcript_hash_after'));
}
