import { RuntimeError } from '../base/errors.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Lines of a stream of bytes, without their ends (`\n` or `\r\n`). A last line without an end counts.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a line of more than `maxBytes`
 */
export async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array): void => {
    length += part.length;
    if (length > maxBytes) throw new RuntimeError('invalid_argument', `a line has more than ${maxBytes} bytes`);
    parts.push(part);
  };
  const take = (): Uint8Array => {
    const line = Buffer.concat(parts);
    parts = [];
    length = 0;
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
  };
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      add(piece.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < piece.length) add(piece.subarray(start));
  }
  if (length > 0) yield take();
}

/**
 * All bytes of a stream.
 *
 * @throws {@link RuntimeError} `invalid_argument` if there are more than `maxBytes`
 */
export async function readAll(pieces: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > maxBytes) throw new RuntimeError('invalid_argument', `the input has more than ${maxBytes} bytes`);
    parts.push(piece);
  }
  return new Uint8Array(Buffer.concat(parts));
}
