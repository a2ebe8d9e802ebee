import { filter, type Observable, scan } from 'rxjs';
import type { InspectionEvent } from 'skytale-rx';

/** How many crashes there were so far, of all actors of a system. */
export function countCrashes(inspect$: Observable<InspectionEvent>): Observable<number> {
  return inspect$.pipe(
    filter(({ kind }) => kind === 'crashed'),
    scan((crashes) => crashes + 1, 0),
  );
}
