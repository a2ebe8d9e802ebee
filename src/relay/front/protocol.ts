import type { Socket } from 'node:net';

/** What a peer speaks, by its first bytes. */
export type Protocol = 'http2' | 'http1' | 'unknown';

/** RFC 9113 §3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** What somebody speaks who has sent `bytes`; `undefined` as long as they may yet become the preface of HTTP/2. */
export function protocolOf(bytes: Uint8Array): Protocol | undefined {
  const length = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.subarray(0, length).equals(bytes.subarray(0, length))) {
    return length === PREFACE.length ? 'http2' : undefined;
  }
  const [first = 0] = bytes;
  return first >= 0x41 && first <= 0x5a ? 'http1' : 'unknown'; // methods are made of capital letters
}

/** Calls back once, when a socket's first bytes tell what its peer speaks; the bytes are still in the socket then. */
export function detectProtocol(socket: Socket, onDetected: (protocol: Protocol) => void): void {
  let seen: Uint8Array = new Uint8Array();
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const protocol = protocolOf(seen);
    if (protocol === undefined) return;
    socket.off('readable', look);
    socket.unshift(seen);
    onDetected(protocol);
  };
  socket.on('readable', look);
}
