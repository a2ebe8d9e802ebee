/** What one check has found. */
export interface Finding {
  /** Stable, for programs. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'failure' | 'skipped';
  /** What is so. */
  readonly detail: string;
  /** What to do about it; there unless all is well. */
  readonly fix?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });

export const skipped = (check: string, detail: string): Finding => ({ check, status: 'skipped', detail });

export const warning = (check: string, detail: string, fix: string): Finding => ({
  check,
  status: 'warning',
  detail,
  fix,
});

export const failure = (check: string, detail: string, fix: string): Finding => ({
  check,
  status: 'failure',
  detail,
  fix,
});
