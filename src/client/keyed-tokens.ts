import type { Clock } from '../base/clock.ts';
import { exchangeToken, type ExchangeTokenOptions } from '../transport/index.ts';

/** How long the first token may wait for somebody who wants it. */
const FIRST_MS = 60_000;

/**
 * Tokens for an API key. The first is asked for at once, so that it is there when the first connection is made; its failure
 * is told to whoever asks for a token first.
 */
export function keyedTokens(options: ExchangeTokenOptions & { readonly clock: Clock }): () => Promise<string> {
  const { clock } = options;
  const askedAtMs = clock.now();
  let first: Promise<string> | undefined = exchangeToken(options);
  // Perhaps nobody ever asks.
  first.catch(() => undefined);
  return () => {
    const waiting = clock.now() - askedAtMs < FIRST_MS ? first : undefined;
    first = undefined;
    return waiting ?? exchangeToken(options);
  };
}
