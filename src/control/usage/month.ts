/** When the calendar month began, UTC, that a time lies in. Unix milliseconds. */
export function monthStart(timeMs: number): number {
  const time = new Date(timeMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth());
}
