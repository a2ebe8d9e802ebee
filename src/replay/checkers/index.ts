export { checkRun, CHECKERS } from './check-run.ts';
export { History } from './history.ts';
export { KeyUse } from './key-use.ts';
export type { Checker, InLife, Observation, RunRecord, SendOutcome, Violation } from './observation.ts';
