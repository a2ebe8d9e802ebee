import type { ChannelFront } from './channel-core.ts';
import { encodeHeader } from './envelope.ts';
import type { Parcel } from './exchange-ports.ts';

const NOTHING = new Uint8Array();

/** Puts a parcel into the mailbox as soon as there is room, behind what was sent before. */
export function sendParcel(mailbox: ChannelFront, parcel: Parcel): void {
  const { header, payload = NOTHING, signal, stored, failed } = parcel;
  mailbox
    .put(
      {
        // What the caller does with its bytes from now on is no business of the mailbox.
        payload: payload.slice(),
        header: encodeHeader(header),
        waiter: { resolve: (receipt) => stored?.(receipt), reject: failed },
      },
      signal,
    )
    .catch(failed);
}
