/** One thing that somebody has configured. */
export interface Given {
  /** `limits.max_connections` */
  readonly key: string;
  readonly value: unknown;
  /** Whether the value is text that stands for another, as in flags and in the environment. */
  readonly isText: boolean;
  /** For people: `supernode.toml:12`, `SKYTALE_RELAY_LOG_LEVEL`, `--port`. */
  readonly source: string;
}
