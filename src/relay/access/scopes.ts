import type { EntryKind } from '../../transport/index.ts';
import { refused } from '../engine/log-rules.ts';
import type { Judged } from './rate-gate.ts';
import type { Scope } from './principal.ts';

const SCOPE_OF: Readonly<Record<EntryKind, Scope>> = { message: 'write', commit: 'commit' };

/** The items, with an `unauthorized` in the place of each submission that the scopes do not allow. */
export function judgeScopes(items: readonly Judged[], scopes: ReadonlySet<Scope>): readonly Judged[] {
  if (scopes.has('write') && scopes.has('commit')) return items;
  return items.map((item) => {
    if (item.kind === 'refused' || scopes.has(SCOPE_OF[item.kind])) return item;
    return refused('unauthorized', scopeText(SCOPE_OF[item.kind]), 0);
  });
}

/** Why something is `unauthorized` that the account might do with another token. */
export function scopeText(scope: Scope): string {
  return `the token does not have the scope ${scope}`;
}
