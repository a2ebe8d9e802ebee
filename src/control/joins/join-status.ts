/** Where a join request stands. */
export type JoinStatus = 'waiting' | 'claimed' | 'admitted' | 'denied' | 'expired' | 'cancelled';

/** All of them. */
export const JOIN_STATUSES: readonly JoinStatus[] = [
  'waiting',
  'claimed',
  'admitted',
  'denied',
  'expired',
  'cancelled',
];

/** A request as its joiner sees it. */
export interface JoinView {
  readonly request_id: string;
  readonly status: JoinStatus;
  readonly reason?: string;
  readonly expires_at: string;
}

/** What decides where a request stands. */
export interface JoinStatusRow {
  readonly id: string;
  readonly status: JoinStatus;
  readonly reason: string | null;
  readonly expires_at: number;
  readonly lease_until: number | null;
}

/** Whether somebody may still decide on it. */
export function isOpen(status: JoinStatus): boolean {
  return status === 'waiting' || status === 'claimed';
}

/** Where it stands now: its time, or that of a lease, may be over before anybody has written that down. */
export function statusAt({ status, expires_at, lease_until }: JoinStatusRow, nowMs: number): JoinStatus {
  if (isOpen(status) && expires_at <= nowMs) return 'expired';
  if (status === 'claimed' && (lease_until ?? 0) <= nowMs) return 'waiting';
  return status;
}

/** How the joiner sees it. */
export function joinView(row: JoinStatusRow, nowMs: number): JoinView {
  return {
    request_id: row.id,
    status: statusAt(row, nowMs),
    ...(row.reason === null ? {} : { reason: row.reason }),
    expires_at: new Date(row.expires_at).toISOString(),
  };
}

/** What is told when a request changes. */
export function joinTopic(id: string): string {
  return `join:${id}`;
}
