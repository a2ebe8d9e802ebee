import type { Figure } from './bench.ts';

/** One line a figure, aligned, with the verdict where there is a goal. */
export function formatFigures(figures: readonly Figure[]): string {
  const widest = Math.max(...figures.map(({ name }) => name.length));
  return figures
    .map(({ name, value, unit, goal }) => {
      const verdict = goal === undefined ? '' : `   goal ${goal}: ${meets(value, goal) ? 'met' : 'missed'}`;
      return `${name.padEnd(widest)}  ${round(value).toLocaleString('en').padStart(9)} ${unit}${verdict}`;
    })
    .join('\n');
}

/** The figures for programs, on one line. */
export function toJson(bench: string, figures: readonly Figure[]): string {
  return JSON.stringify({ bench, figures: figures.map((figure) => ({ ...figure, value: round(figure.value) })) });
}

/** Whether `value` reaches a goal such as `>=0.5` or `<=5`. Judged as measured, not as printed. */
export function meets(value: number, goal: string): boolean {
  const [, relation, limit] = /^(>=|<=)(\d+(?:\.\d+)?)$/.exec(goal) ?? [];
  if (relation === undefined) throw new Error(`${goal} is no goal`);
  return relation === '>=' ? value >= Number(limit) : value <= Number(limit);
}

/** Four digits say all that such a measurement knows. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
