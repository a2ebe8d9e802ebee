/**
 * `npm run api`: the public surface is the one that docs/api/ shows. `npm run api:update` rewrites the reports.
 *
 * The reports are committed, so that a change of the surface is seen, and meant.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { readManifest } from './lib/manifest.ts';
import { ROOT } from './lib/root.ts';
import { finish } from './lib/run.ts';

const isUpdate = process.argv.includes('--update');
const REPORTS = resolve(ROOT, 'docs/api');
const WORK = resolve(ROOT, '.cache/api');

/** `.` becomes `index`, `./relay` becomes `relay`. */
const reportName = (entry: string): string => (entry === '.' ? 'index' : entry.slice(2).replaceAll('/', '-'));

mkdirSync(REPORTS, { recursive: true });
mkdirSync(WORK, { recursive: true });
/** Whether the line declares an export, not a member of one. */
function isExport(file: string, line: number): boolean {
  return /^export\b/.test(readFileSync(file, 'utf8').split('\n')[line - 1] ?? '');
}

/** Names that a report lists as exported. */
function exportedNames(report: string): string[] {
  const declarations = report.matchAll(/^export (?:abstract )?(?:class|const|function|interface|type) (\w+)/gm);
  // What is exported under two names is declared first, and exported by its names.
  const named = report.matchAll(/^export \{ (\w+)(?: as (\w+))? \}/gm);
  return [
    ...[...declarations].map(([, name = '']) => name),
    ...[...named].map(([, name = '', alias]) => alias ?? name),
  ];
}

const problems: string[] = [];
/** Names that users can import from the entry points so far. */
const known = new Set<string>();
const changed: string[] = [];
const { exports } = readManifest();

for (const [entry, target] of Object.entries(exports)) {
  if (typeof target === 'string') continue;
  const name = reportName(entry);
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: resolve(ROOT, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: resolve(ROOT, target.types),
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: resolve(ROOT, 'tsconfig.build.json') },
      apiReport: { enabled: true, reportFileName: `${name}.api.md`, reportFolder: REPORTS, reportTempFolder: WORK },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          // All that is exported is public, unless it says otherwise.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // Two entry points may export the same declaration.
          'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: {
          // Examples are code without fences, which TSDoc takes for prose with errors. docs:check looks after them.
          default: { logLevel: ExtractorLogLevel.None },
          'tsdoc-undefined-tag': { logLevel: ExtractorLogLevel.Error },
        },
      },
    },
  });
  const result = Extractor.invoke(config, {
    localBuild: isUpdate,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel !== ExtractorLogLevel.Error) return;
      const { messageId, sourceFilePath: file, sourceFileLine: line = 1, text } = message;
      const [, symbol = ''] = /"(.+?)"/.exec(text) ?? [];
      if (messageId === 'ae-forgotten-export' && known.has(symbol)) return;
      // The names of most members say enough.
      if (messageId === 'ae-undocumented' && file !== undefined && !isExport(file, line)) return;
      const place = file === undefined ? '' : ` (${file}:${line})`;
      problems.push(`${entry}: ${messageId}: ${text}${place}`.replaceAll(`${ROOT}/`, ''));
    },
  });
  for (const exported of exportedNames(readFileSync(resolve(WORK, `${name}.api.md`), 'utf8'))) known.add(exported);
  if (!result.apiReportChanged) continue;
  changed.push(`docs/api/${name}.api.md`);
  if (!isUpdate)
    problems.push(
      `${entry}: the surface is not the one in docs/api/${name}.api.md; if that is meant: npm run api:update`,
    );
}

const written = changed.length === 0 ? 'the reports are up to date' : `wrote ${changed.join(', ')}`;
finish(isUpdate ? 'api:update' : 'api', problems, written);
