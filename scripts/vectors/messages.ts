import { decodeMlsMessage, encodeMlsMessage } from 'ts-mls';
import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';
import { decodeCommit, encodeCommit } from 'ts-mls/commit.js';
import { decodeGroupSecrets, encodeGroupSecrets } from 'ts-mls/groupSecrets.js';
import * as proposals from 'ts-mls/proposal.js';
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js';
import { inspectMessage } from '../../src/mls/index.ts';
import type { Report } from './report.ts';
import { whole } from './whole.ts';
import type { Vector } from './vector.ts';

/** Fields that hold a whole MLSMessage, with what our reader has to make of it. */
const MESSAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ['mls_welcome', ['welcome']],
  ['mls_group_info', ['other']],
  ['mls_key_package', ['other']],
  ['public_message_application', ['application']],
  ['public_message_proposal', ['proposal']],
  ['public_message_commit', ['commit']],
  ['private_message', ['application', 'proposal', 'commit']],
]);

type Recode = (bytes: Uint8Array, field: string) => Uint8Array;

/** Fields that hold a structure without the frame around it. */
const STRUCTURES: ReadonlyMap<string, Recode> = new Map([
  ['ratchet_tree', recode(decodeRatchetTree, encodeRatchetTree)],
  ['group_secrets', recode(decodeGroupSecrets, encodeGroupSecrets)],
  ['add_proposal', recode(proposals.decodeAdd, proposals.encodeAdd)],
  ['update_proposal', recode(proposals.decodeUpdate, proposals.encodeUpdate)],
  ['remove_proposal', recode(proposals.decodeRemove, proposals.encodeRemove)],
  ['pre_shared_key_proposal', recode(proposals.decodePSK, proposals.encodePSK)],
  ['re_init_proposal', recode(proposals.decodeReinit, proposals.encodeReinit)],
  ['external_init_proposal', recode(proposals.decodeExternalInit, proposals.encodeExternalInit)],
  [
    'group_context_extensions_proposal',
    recode(proposals.decodeGroupContextExtensions, proposals.encodeGroupContextExtensions),
  ],
  ['commit', recode(decodeCommit, encodeCommit)],
]);

/** Decoding every structure, and encoding it to the same bytes. */
export function messages(vector: Vector, report: Report): void {
  const recodeMessage = recode(decodeMlsMessage, encodeMlsMessage);
  for (const [field, kinds] of MESSAGES) {
    const bytes = vector.bytes(field);
    report.equal(field, recodeMessage(bytes, field), bytes);
    report.holds(`kind of ${field}`, kinds.includes(inspectMessage(bytes).kind));
  }
  for (const [field, recodeField] of STRUCTURES) {
    const bytes = vector.bytes(field);
    report.equal(field, recodeField(bytes, field), bytes);
  }
}

function recode<T>(decode: Decoder<T>, encode: (value: T) => Uint8Array): Recode {
  return (bytes, field) => encode(whole(decode, bytes, field));
}
