import type { AgentName } from './chat.ts';
import type { CheckResult } from './check.ts';
import type { Display } from './display.ts';
import { messagesIn } from './notebook.ts';
import type { Counts } from './protocol.ts';
import type { StoryEnd } from './story.ts';

/** A row of the table: one agent, all lives of its process together. */
export interface Row extends Counts {
  readonly agent: AgentName;
  /** Messages that the relay has acknowledged. */
  readonly sent: number;
  /** Messages of others in the notebook. */
  readonly received: number;
  readonly restarts: number;
}

/** What a run has come to; `--json` prints it. */
export interface Report {
  readonly isOk: boolean;
  readonly seed: number;
  readonly lines: number;
  readonly headings: number;
  readonly messages: number;
  readonly elapsedMs: number;
  readonly messagesPerSecond: number;
  readonly linesInFlight: StoryEnd['linesInFlight'];
  readonly agents: readonly Row[];
  readonly checks: readonly CheckResult[];
}

const COLUMNS = [
  ['sent', 'sent'],
  ['received', 'received'],
  ['redelivered', 'redelivered'],
  ['duplicates', 'duplicates'],
  ['gaps', 'gaps'],
  ['decryptFailures', 'decrypt failures'],
  ['reconnects', 'reconnects'],
  ['restarts', 'restarts'],
] as const;

/** Of the problems that a check has found, so many are printed. */
const MAX_PROBLEMS = 5;

export function createReport(seed: number, end: StoryEnd, checks: readonly CheckResult[]): Report {
  const agents = (['alice', 'bob', 'carol'] as const).map((agent): Row => {
    const messages = messagesIn(end.notes[agent]);
    const sent = messages.filter(({ from }) => from === agent).length;
    return { agent, sent, received: messages.length - sent, restarts: end.restarts[agent], ...end.counts[agent] };
  });
  const messages = agents.reduce((sum, { sent }) => sum + sent, 0);
  return {
    isOk: checks.every(({ isOk }) => isOk),
    seed,
    lines: end.lines.length,
    headings: end.notes.bob.filter((note) => 'heading' in note).length,
    messages,
    elapsedMs: Math.round(end.elapsedMs),
    messagesPerSecond: Math.round((messages * 1000) / end.elapsedMs),
    linesInFlight: end.linesInFlight,
    agents,
    checks,
  };
}

/** Prints the table and the checks for people. */
export function printReport(report: Report, display: Display): void {
  display.print('');
  for (const line of tableOf(report.agents)) display.print(line);
  const { messages, elapsedMs, messagesPerSecond, headings } = report;
  display.print('');
  display.print(
    `${messages} messages in ${(elapsedMs / 1000).toFixed(1)} s, both outages included: ` +
      `${messagesPerSecond} messages/s. bob has collected ${headings} headings.`,
  );
  display.print('');
  for (const { name, isOk, problems } of report.checks) {
    display.print(`${isOk ? display.style('green', 'ok    ') : display.style('red', 'FAILED')}  ${name}`);
    for (const problem of problems.slice(0, MAX_PROBLEMS)) display.print(`          ${problem}`);
    if (problems.length > MAX_PROBLEMS) display.print(`          and ${problems.length - MAX_PROBLEMS} more`);
  }
}

function tableOf(agents: readonly Row[]): readonly string[] {
  const header = ['', ...COLUMNS.map(([, title]) => title)];
  const rows = agents.map((row) => [row.agent, ...COLUMNS.map(([key]) => String(row[key]))]);
  return [header, ...rows].map(([agent = '', ...cells]) => {
    const numbers = cells.map((cell, index) => cell.padStart(header[index + 1]?.length ?? 0));
    return [agent.padEnd(5), ...numbers].join('  ');
  });
}
