import { Type } from 'typebox';
import type { TString } from 'typebox';

/** The id of an invite, chosen by the member who makes it: base64url of 16 bytes, so its last character has four. */
export function inviteId(): TString {
  return Type.String({ description: 'base64url of 16 bytes.', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' });
}
