/** How one list becomes another: some items leave it, others join at its end. */
export interface ListChange<T> {
  /** Rising positions in the list before. */
  readonly removed: readonly number[];
  readonly added: readonly T[];
}

/**
 * The change that makes `after` of `before`. Always right, and short for a queue that is worked off at any place and
 * filled at its end.
 */
export function changeOfList<T>(
  before: readonly T[],
  after: readonly T[],
  isSame: (a: T, b: T) => boolean,
): ListChange<T> {
  const removed: number[] = [];
  let kept = 0;
  for (const [position, item] of before.entries()) {
    const candidate = after[kept];
    if (kept < after.length && isSame(item, candidate as T)) kept += 1;
    else removed.push(position);
  }
  return { removed, added: after.slice(kept) };
}

/** The list that {@link changeOfList} was told as `after`. Throws if `change` does not fit `before`. */
export function applyListChange<T>(before: readonly T[], change: ListChange<T>): readonly T[] {
  const removed = new Set(change.removed);
  if (removed.size !== change.removed.length || change.removed.some((position) => position >= before.length)) {
    throw new RangeError('removes what is not in the list');
  }
  return [...before.filter((_, position) => !removed.has(position)), ...change.added];
}
