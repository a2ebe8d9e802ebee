import {
  AuthError,
  ChannelError,
  type ChannelErrorCode,
  type SkytaleError,
  TransportError,
} from '../../base/errors.ts';
import { readRefusal } from './refusal-body.ts';

/** Trouble that another try may get past. Stays inside this folder; `reported` is what the caller sees in the end. */
export class PassingTrouble extends Error {
  readonly reported: SkytaleError;

  constructor(reported: SkytaleError) {
    super(reported.message);
    this.reported = reported;
  }
}

/** Codes that the control plane gives beside its texts, and what they are to our callers. */
const CODES: Readonly<Record<string, ChannelErrorCode>> = {
  channel_taken: 'channel_exists',
  identity_taken: 'identity_taken',
  invite_exhausted: 'invite_exhausted',
  invite_expired: 'invite_expired',
  invite_revoked: 'invite_revoked',
  invite_unknown: 'invite_unknown',
  invite_wrong_channel: 'invite_wrong_channel',
};

const STATUSES: Readonly<Record<number, ChannelErrorCode>> = {
  400: 'bad_request',
  404: 'not_found',
  409: 'bad_request',
};

/** The error that an answer with an HTTP status of 400 or more stands for. */
export function errorOfAnswer(status: number, body: string): Error {
  const { code, text } = readRefusal(body);
  if (status === 401) return new AuthError('auth_failed', 'the control plane does not accept the API key');
  if (status === 403) return new AuthError('unauthorized', 'the API key may not do this at the control plane');
  if (status === 429) return new TransportError('limit_exceeded', 'the control plane asks for fewer requests');
  const known = code !== undefined && Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  const channelCode = known ?? (text === undefined ? undefined : STATUSES[status]);
  if (channelCode !== undefined) return new ChannelError(channelCode, `the control plane says: ${text ?? code ?? ''}`);
  const error = new TransportError('transport_error', `the control plane answered with HTTP status ${status}`);
  return status >= 500 ? new PassingTrouble(error) : error;
}
