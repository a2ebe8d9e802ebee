import { toHex } from '../../base/bytes.ts';
import { MlsError } from '../../base/errors.ts';
import type { Arrival, CallName, ExchangeEvent } from './exchange-event.ts';
import { type Call, type Envelope, Receipt } from './gen/skytale/channel/v1/envelope_pb.ts';

/** Bytes of a request's id. */
const ID_BYTES = 16;

/**
 * An envelope that is no plain message, as an event.
 *
 * @throws {@link MlsError} `decryption_failure` if something that it needs is missing or out of range
 */
export function readExchange({ kind, payload }: Envelope, arrival: Arrival, storedAt: number): ExchangeEvent {
  switch (kind.case) {
    case 'request': {
      const { call, deadlineMs, to } = kind.value;
      return { kind: 'request', ...arrival, ...nameOf(call), payload, deadlineMs: toNumber(deadlineMs), to };
    }
    case 'reply': {
      const { call, content } = kind.value;
      if (content.case === undefined) throw malformed('a reply');
      return {
        kind: 'reply',
        ...arrival,
        ...nameOf(call),
        payload: content.case === 'more' || content.case === 'last' ? payload : undefined,
        isLast: content.case !== 'more',
        failure: content.case === 'failure' ? content.value : undefined,
      };
    }
    case 'cancel':
      return { kind: 'cancel', ...arrival, ...nameOf(kind.value.call) };
    case 'confirmation': {
      const { receipt, seqs } = kind.value;
      const known = receiptName(receipt);
      if (known === undefined) throw malformed('a confirmation');
      return { kind: 'confirmation', ...arrival, receipt: known, seqs: seqs.map(toNumber) };
    }
    case 'presence':
      return { kind: 'presence', ...arrival, leaseMs: kind.value.leaseMs, storedAt };
    case undefined:
      throw malformed('something');
  }
}

/** A receipt in the users' terms; `undefined` for none, and for one that this version does not know. */
export function receiptName(receipt: Receipt): 'delivered' | 'handled' | undefined {
  if (receipt === Receipt.DELIVERED) return 'delivered';
  return receipt === Receipt.HANDLED ? 'handled' : undefined;
}

function nameOf(call: Call | undefined): CallName {
  if (call?.id.length !== ID_BYTES) throw malformed('something that belongs to a request');
  return { id: toHex(call.id), attempt: call.attempt };
}

function toNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed('a number');
  return number;
}

function malformed(what: string): MlsError {
  return new MlsError('decryption_failure', `a member sent ${what} that is malformed`);
}
