import type { AccessControl } from './access/index.ts';
import type { LogEngine } from './engine/log-engine.ts';
import type { RelayLogger } from './relay-logger.ts';

/** Has keys that are withdrawn on any relay over the log refused on this one; the returned function ends that. */
export function followWithdrawals(
  engine: Pick<LogEngine, 'announcements$'>,
  { withdrawn }: Pick<AccessControl, 'withdrawn'>,
  logger: RelayLogger,
): () => void {
  const subscription = engine.announcements$.subscribe({
    next: (announcement) => {
      if (announcement.kind !== 'withdrawn' || withdrawn.add(announcement.keyId, announcement.untilMs)) return;
      logger.error({ keys: withdrawn.size }, 'no room for another withdrawn key: its tokens hold until they end');
    },
    error: () => undefined, // the end of `appended$` ends the relay
  });
  return () => subscription.unsubscribe();
}
