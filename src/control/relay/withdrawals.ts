import type { Context } from '../context.ts';
import { TOKEN_LIFE_MS } from '../tokens/tokens.ts';
import type { RelayOperations } from './relay-operations.ts';

/** Relays take tokens for this much longer than they say, by their default. Twice that: their clocks may differ as well. */
const LEEWAY_MS = 60_000;

interface RevokedKeyRow {
  readonly id: string;
  readonly revoked_at: number;
}

/**
 * Tells relays of all keys that were revoked while tokens from them may still hold. Relays keep that in memory, so the whole list is
 * told again and again.
 */
export async function tellWithdrawals({ database, clock }: Context, relay: RelayOperations): Promise<void> {
  const life = TOKEN_LIFE_MS + LEEWAY_MS;
  const rows = await database.all<RevokedKeyRow>(
    'SELECT id, revoked_at FROM api_keys WHERE revoked_at IS NOT NULL AND revoked_at > ? ORDER BY revoked_at',
    clock.now() - life,
  );
  await relay.withdrawKeys(rows.map(({ id, revoked_at }) => ({ keyId: id, untilMs: revoked_at + life })));
}
