import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MlsError } from '../../base/errors.ts';
import { EnvelopeSchema } from './gen/skytale/channel/v1/envelope_pb.ts';

/** What lies inside the ciphertext for `payload`. Its fields are added to over time; members skip what they do not know. */
export function encodeEnvelope(payload: Uint8Array): Uint8Array {
  return toBinary(EnvelopeSchema, create(EnvelopeSchema, { payload }));
}

/**
 * The payload in an envelope.
 *
 * @throws {@link MlsError} `decryption_failure` if a member sent something that is no envelope
 */
export function decodeEnvelope(bytes: Uint8Array): Uint8Array {
  try {
    return fromBinary(EnvelopeSchema, bytes).payload;
  } catch (cause) {
    throw new MlsError('decryption_failure', 'a member sent a message that is no envelope', { cause });
  }
}
