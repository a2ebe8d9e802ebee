// Months are those of the calendar in UTC. Times are Unix milliseconds.

/** When the month began that a time lies in. */
export function monthStart(timeMs: number): number {
  const time = new Date(timeMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth());
}

/** When the month ends that a time lies in: the start of the next one. */
export function nextMonthStart(timeMs: number): number {
  const time = new Date(timeMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1);
}
