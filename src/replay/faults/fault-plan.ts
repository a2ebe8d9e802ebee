import { RuntimeError } from '../../base/errors.ts';
import type { Fault, FaultKind, FaultOf } from './fault.ts';

/** The version of the format that {@link parseFaultPlan} reads. */
const VERSION = 1;
/** More than a person or a shrinking run would ever write; a bound for files that come from elsewhere. */
const MAX_FAULTS = 1_000;

/** What goes wrong in a run. Small enough for a file beside the test that it makes fail. */
export interface FaultPlan {
  readonly version: 1;
  readonly faults: readonly Fault[];
}

/** A rule for one field, in the words of the message that tells of its breach. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isName = (value: unknown): boolean => typeof value === 'string' && value.length > 0 && value.length <= 64;
const isInteger = (min: number, max: number): Rule => ({
  expected: `an integer from ${min} to ${max}`,
  holds: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
});
const oneOf = (...choices: readonly string[]): Rule => ({
  expected: choices.map((choice) => `'${choice}'`).join(' or '),
  holds: (value) => choices.some((choice) => choice === value),
});

const NAME: Rule = { expected: 'a name of 1 to 64 characters', holds: isName };
const NAMES: Rule = {
  expected: 'a list of 1 to 1000 names',
  holds: (value) => Array.isArray(value) && value.length > 0 && value.length <= 1_000 && value.every(isName),
};
const COUNT = isInteger(1, 1_000_000);
const INDEX = isInteger(0, 1_000_000);
/** Virtual time costs nothing. */
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const TIME = isInteger(0, WEEK_MS);
const WHEN = oneOf('before', 'after');

type Shape<Kind extends FaultKind> = Readonly<Record<Exclude<keyof FaultOf<Kind>, 'kind'>, Rule>>;

const AT_OPERATION = { agent: NAME, nth: COUNT };
const DELAYED = { ...AT_OPERATION, ms: TIME };
const AT_TIME = { agent: NAME, atMs: TIME };
const FOR_A_WHILE = { ...AT_TIME, forMs: TIME };

const SHAPES: { readonly [Kind in FaultKind]: Shape<Kind> } = {
  'lose-publish': AT_OPERATION,
  'lose-answer': AT_OPERATION,
  'delay-publish': DELAYED,
  'delay-answer': DELAYED,
  'refuse-publish': {
    ...AT_OPERATION,
    from: INDEX,
    reason: oneOf('quota-exceeded', 'rate-limited', 'unavailable'),
    retryAfterMs: TIME,
  },
  'delay-entries': DELAYED,
  'reorder-entries': DELAYED,
  'drop-entries': AT_OPERATION,
  'duplicate-entries': AT_OPERATION,
  'repeat-entries': AT_OPERATION,
  'corrupt-entries': AT_OPERATION,
  'truncate-entries': AT_OPERATION,
  'mislabel-entries': { ...AT_OPERATION, epochs: isInteger(-1_000, 1_000) },
  'lose-welcome': AT_OPERATION,
  'repeat-welcome': AT_OPERATION,
  disconnect: AT_TIME,
  'token-expires': AT_TIME,
  partition: { agents: NAMES, atMs: TIME, forMs: TIME },
  'half-open': FOR_A_WHILE,
  'slow-reader': FOR_A_WHILE,
  withhold: FOR_A_WHILE,
  'relay-crash': { nth: COUNT, when: WHEN, forMs: TIME },
  'relay-restored': { atMs: TIME, entries: COUNT },
  retention: { atMs: TIME },
  'relay-splits': { agents: NAMES, atMs: TIME, forMs: TIME },
  'hostile-entries': {
    atMs: TIME,
    what: oneOf('garbage', 'garbage-commit', 'replay'),
    times: isInteger(1, 10_000),
  },
  'losing-welcome': { nth: COUNT },
  'control-plane-down': { atMs: TIME, forMs: TIME },
  'store-fails': { ...AT_OPERATION, writes: COUNT, reason: oneOf('full', 'read-only', 'locked'), when: WHEN },
  crash: { ...AT_OPERATION, forMs: TIME },
  'directory-restored': { ...FOR_A_WHILE, ageMs: TIME },
  'directory-deleted': FOR_A_WHILE,
  'directory-damaged': { ...FOR_A_WHILE, index: INDEX },
  'second-process': FOR_A_WHILE,
  'clock-jump': { ...AT_TIME, byMs: isInteger(-WEEK_MS, WEEK_MS) },
  'commit-race': { agents: NAMES, atMs: TIME },
  'remove-member': { ...AT_TIME, member: NAME },
  'removal-race': { ...AT_TIME, member: NAME },
  'bad-key-package': { ...AT_TIME, how: oneOf('expired', 'twice') },
};

/** All kinds of faults that a plan can hold. */
export const FAULT_KINDS: readonly FaultKind[] = Object.keys(SHAPES) as FaultKind[];

/**
 * A plan as a value, from the text of a file (JSON) or from what that says. Nothing that it does not know is let pass: a
 * fault that is misspelt would be a test that tests nothing.
 *
 * @throws {@link RuntimeError} `invalid_argument`, with the place: ``Expected `faults[2].nth` to be an integer from 1 to
 * 1000000, got 0.``
 *
 * @example
 * parseFaultPlan('{ "version": 1, "faults": [{ "kind": "lose-answer", "agent": "alice", "nth": 1 }] }');
 */
export function parseFaultPlan(source: unknown): FaultPlan {
  const plan = typeof source === 'string' ? parseJson(source) : source;
  const { version, faults, ...others } = objectAt('the fault plan', plan);
  if (version !== VERSION) fail('version', `${VERSION}, the only version that is known`, version);
  checkNoOthers('', others, 'version and faults');
  if (!Array.isArray(faults) || faults.length > MAX_FAULTS) fail('faults', `a list of at most ${MAX_FAULTS}`, faults);
  const checked = (faults as unknown[]).map((fault, index) => checkFault(`faults[${index}]`, fault));
  return { version: VERSION, faults: checked };
}

/** The text of a plan's file: JSON, one fault a line. */
export function formatFaultPlan({ version, faults }: FaultPlan): string {
  const lines = faults.map((fault) => `    ${JSON.stringify(fault)}`);
  const list = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n  ]`;
  return `{\n  "version": ${version},\n  "faults": ${list}\n}\n`;
}

function checkFault(path: string, value: unknown): Fault {
  const { kind, ...fields } = objectAt(path, value);
  const known = FAULT_KINDS.find((name) => name === kind);
  if (known === undefined) return fail(`${path}.kind`, `one of ${FAULT_KINDS.join(', ')}`, kind);
  const shape: Readonly<Record<string, Rule>> = SHAPES[known];
  for (const [name, { expected, holds }] of Object.entries(shape)) {
    if (!holds(fields[name])) fail(`${path}.${name}`, expected, fields[name]);
  }
  const others = Object.fromEntries(Object.entries(fields).filter(([name]) => !Object.hasOwn(shape, name)));
  checkNoOthers(`${path}.`, others, `${Object.keys(shape).join(', ')} for ${known}`);
  return value as Fault;
}

function checkNoOthers(prefix: string, others: object, expected: string): void {
  const [unknown] = Object.keys(others);
  if (unknown === undefined) return;
  throw new RuntimeError('invalid_argument', `Unknown field \`${prefix}${unknown}\`: expected ${expected}.`);
}

function objectAt(path: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return fail(path, 'an object', value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new RuntimeError('invalid_argument', 'Expected the fault plan to be JSON.', { cause: error });
  }
}

function fail(path: string, expected: string, value: unknown): never {
  const got = value === undefined ? 'nothing' : (JSON.stringify(value) as string | undefined);
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`${path}\` to be ${expected}, got ${(got ?? typeof value).slice(0, 80)}.`,
  );
}
