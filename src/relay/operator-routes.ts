import type { Registry } from 'prom-client';
import type { EngineHealth } from './engine/log-engine.ts';
import type { HttpAnswer, HttpRoute } from './front/index.ts';
import { processMetrics } from './metrics/process-metrics.ts';

/** What the routes tell of. */
export interface OperatorSources {
  readonly registry: Registry;
  /** Whether the relay is about to end. */
  readonly isDraining: () => boolean;
  readonly health: () => Promise<EngineHealth>;
  /** What an operator should know beside the engine's health. No secrets. */
  readonly warnings: () => readonly string[];
}

/** `/health` for clients and balancers: `{"status":"ok"}` and 200 exactly while the relay serves, otherwise 503. */
export function healthRoutes({ isDraining, health }: OperatorSources): ReadonlyMap<string, HttpRoute> {
  return new Map([
    [
      '/health',
      async () => {
        if (isDraining()) return json(503, { status: 'draining' });
        return (await health()).status === 'failing' ? json(503, { status: 'failing' }) : json(200, { status: 'ok' });
      },
    ],
  ]);
}

/**
 * {@link healthRoutes}, `/ready` with the same status code and all that is known of the relay's condition, and `/metrics`
 * in the text format of Prometheus.
 */
export function operatorRoutes(sources: OperatorSources): ReadonlyMap<string, HttpRoute> {
  const { registry, isDraining, health, warnings } = sources;
  return new Map([
    ...healthRoutes(sources),
    [
      '/ready',
      async () => {
        const { status, warnings: ofEngine, ...engine } = await health();
        const serves = !isDraining() && status !== 'failing';
        return json(serves ? 200 : 503, {
          status: isDraining() ? 'draining' : status,
          ...engine,
          warnings: [...ofEngine, ...warnings()],
        });
      },
    ],
    [
      '/metrics',
      async () => {
        const texts = await Promise.all([registry.metrics(), processMetrics().metrics()]);
        return { status: 200, contentType: registry.contentType, body: texts.join('\n') };
      },
    ],
  ]);
}

function json(status: number, body: object): HttpAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body) };
}
