import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/**
 * Processor time, memory, garbage collection, open files and the delay of the event loop, of the whole process. Measured from
 * the first call on, once, however many relays there are: what it takes to measure them cannot be given back.
 */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
