/** Frames of HTTP/2 (RFC 9113 §4.1) as bytes, also those that no library would send. */

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

const TYPES = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 };
export type FrameType = keyof typeof TYPES;

/** Flags of frames; `ACK` is that of SETTINGS and PING. */
export const FLAG = { none: 0, endStream: 1, ack: 1, endHeaders: 4 } as const;

export function frame(type: FrameType, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(TYPES[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client says first: preface and empty settings. */
export function clientPreface(): Buffer {
  return Buffer.concat([Buffer.from(PREFACE), frame('settings', FLAG.none, 0)]);
}

export function resetStream(stream: number): Buffer {
  return frame('rstStream', FLAG.none, stream, Buffer.from([0, 0, 0, 8])); // CANCEL
}

/** A header block (RFC 7541) of literals: no index, no Huffman. */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  );
}

/** The headers of a gRPC call. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return headerBlock({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'relay',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
}

/** Types and streams of the frames in `bytes`, the last one cut off if it is not complete. */
export function framesIn(
  bytes: Buffer,
): { readonly type: FrameType | undefined; readonly stream: number; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    const type = (Object.keys(TYPES) as FrameType[]).find((name) => TYPES[name] === bytes.readUInt8(at + 3));
    frames.push({ type, stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return frames;
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
