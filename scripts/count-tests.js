/** Prints how many tests passed and failed, from a JSON report of vitest. Plain JavaScript: .ci/run calls it with node. */
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
/** Files that failed outside of their tests: at import, in a hook, or because they left something open. */
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
);
let failed = report.numFailedTests + brokenFiles.length;
if (!report.success && failed === 0) failed = 1; // an unhandled error belongs to no file
console.log(`${report.numPassedTests} ${failed}`);
