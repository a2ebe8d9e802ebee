/** A step of a plan. */
export interface Step {
  readonly name: string;
  /** Steps that have to pass before, those of them that are in the plan. */
  readonly needs: readonly string[];
  /** Whether nothing else runs beside it. */
  readonly isAlone: boolean;
}

/**
 * Runs steps in their order, up to `width` at a time; a step whose needs are not met yet lets the next ones go first.
 *
 * @param run whether the step has passed; its signal is aborted when another one has failed
 * @returns whether all have passed. After a failure nothing is started any more.
 */
export async function runSteps(
  steps: readonly Step[],
  width: number,
  run: (name: string, signal: AbortSignal) => Promise<boolean>,
): Promise<boolean> {
  const stop = new AbortController();
  const waiting = [...steps];
  const running = new Map<Step, Promise<void>>();
  const isMet = (name: string): boolean => ![...waiting, ...running.keys()].some((step) => step.name === name);

  const canStart = (step: Step): boolean => {
    if (running.size >= width || !step.needs.every(isMet)) return false;
    return running.size === 0 || !(step.isAlone || [...running.keys()].some(({ isAlone }) => isAlone));
  };
  const start = async (step: Step): Promise<void> => {
    const isPassed = await run(step.name, stop.signal);
    running.delete(step);
    if (!isPassed) stop.abort();
  };

  while (!stop.signal.aborted && waiting.length + running.size > 0) {
    for (let next = waiting.find(canStart); next !== undefined; next = waiting.find(canStart)) {
      waiting.splice(waiting.indexOf(next), 1);
      running.set(next, start(next));
    }
    if (running.size === 0)
      throw new Error(`steps that need each other: ${waiting.map(({ name }) => name).join(', ')}`);
    await Promise.race(running.values());
  }
  await Promise.all(running.values());
  return !stop.signal.aborted;
}
