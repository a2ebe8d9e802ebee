import { sleepUnlessAborted } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';

/** A key set of 64 Ed25519 keys has about 10 KiB. */
const MAX_DOCUMENT_BYTES = 64 * 1024;

/**
 * The JSON document at a URL, read without trust: bounded in size and time, no redirects.
 *
 * @throws {@link TransportError} `connection_error`
 */
export async function fetchDocument(url: URL, timeoutMs: number, clock: Clock): Promise<unknown> {
  const abort = new AbortController();
  const isOver = new AbortController();
  void sleepUnlessAborted(clock, timeoutMs, isOver.signal).then((isLate) => {
    if (isLate) abort.abort(new Error(`no answer in ${timeoutMs} ms`));
  });
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: abort.signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`HTTP status ${response.status}`);
    }
    return JSON.parse(await readText(response)) as unknown;
  } catch (cause) {
    throw new TransportError('connection_error', 'the key set cannot be fetched', { cause });
  } finally {
    isOver.abort();
  }
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the body.
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > MAX_DOCUMENT_BYTES) throw new Error(`the document has more than ${MAX_DOCUMENT_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
