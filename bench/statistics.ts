/** The middle of `values`; the mean of both middles where their number is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a fraction `q` of `values` does not exceed, interpolated between neighbours. NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * q;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position % 1);
}

/** A point of a series. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A straight line through points, by least squares. */
export interface FittedLine {
  readonly slope: number;
  /** Half the width of the slope's 95 % confidence interval, if deviations from the line are independent and normal. */
  readonly slopeError: number;
}

/** Fits a line through at least three points. */
export function fitLine(points: readonly Point[]): FittedLine {
  if (points.length < 3) throw new RangeError(`Expected at least 3 points, got ${points.length}.`);
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spreadX = sum(points.map(({ x }) => (x - meanX) ** 2));
  const slope = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spreadX;
  const residuals = points.map(({ x, y }) => y - meanY - slope * (x - meanX));
  const freedom = points.length - 2;
  const standardError = Math.sqrt(sum(residuals.map((residual) => residual ** 2)) / freedom / spreadX);
  return { slope, slopeError: studentFactor(freedom) * standardError };
}

/** Two-sided 95 % quantile of Student's t, within 1 % from three degrees of freedom on. */
function studentFactor(freedom: number): number {
  const [one, two] = [12.706, 4.303];
  if (freedom === 1) return one;
  if (freedom === 2) return two;
  return 1.96 + 2.372 / freedom + 2.822 / freedom ** 2 + 2.556 / freedom ** 3;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
