import type { Clock } from '../base/clock.ts';
import type { Database } from './database/database.ts';

/** How long an answer counts: strangers may ask, and are not to reach the database with every question. */
const FRESH_MS = 1000;

/** Whether the server can do its work, which is whether its database answers. */
export class HealthCheck {
  readonly #database: Database;
  readonly #clock: Clock;
  #checkedAtMs = -Infinity;
  #last: Promise<void> = Promise.resolve();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Rejects with what is wrong. */
  check(): Promise<void> {
    if (this.#clock.now() - this.#checkedAtMs >= FRESH_MS) {
      this.#checkedAtMs = this.#clock.now();
      this.#last = this.#database.all('SELECT 1 AS one').then(() => undefined);
    }
    return this.#last;
  }
}
