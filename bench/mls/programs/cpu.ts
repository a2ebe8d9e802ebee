/** CPU time of `work`, all threads of the process, in microseconds for each of `count` repetitions. */
export async function cpuMicros(count: number, work: () => Promise<void> | void): Promise<number> {
  // What was left behind by whatever was measured before is not paid for here. Twice, because the first collection leaves
  // sweeping to be done while the work runs; the second one waits for it.
  globalThis.gc?.();
  globalThis.gc?.();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
