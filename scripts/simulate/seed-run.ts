import { type FaultKind, type FaultPlan, KeyUse, simulateLife, type Violation } from '../../src/replay/index.ts';
import { watchCiphers } from './cipher-watch.ts';

/** What one seed came to, as it travels from a worker to the one who asked. */
export interface SeedRun {
  readonly seed: number;
  readonly plan: FaultPlan;
  readonly messages: number;
  readonly virtualMs: number;
  /** Keys under which a message left. */
  readonly keys: number;
  readonly fired: Partial<Record<FaultKind, number>>;
  readonly violations: readonly Violation[];
}

/** Runs one seed. Never rejects: a life that breaks off has violated what is expected of it. */
export async function runSeed(seed: number, agents: number, plan?: FaultPlan): Promise<SeedRun> {
  const keyUse = new KeyUse();
  watchCiphers(keyUse);
  try {
    const report = await simulateLife({ seed, agents, keyUse, ...(plan && { plan }) });
    const fired: Partial<Record<FaultKind, number>> = {};
    for (const { fault, fired: times } of report.faultCounts) fired[fault.kind] = (fired[fault.kind] ?? 0) + times;
    const { messages, virtualMs, violations } = report;
    return { seed, plan: report.plan, messages, virtualMs, keys: keyUse.keys, fired, violations };
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const empty: FaultPlan = plan ?? { version: 1, faults: [] };
    const violations = [{ checker: 'comes-to-an-end', agent: '', detail }];
    return { seed, plan: empty, messages: 0, virtualMs: 0, keys: 0, fired: {}, violations };
  }
}
