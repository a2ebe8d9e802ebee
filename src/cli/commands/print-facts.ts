import type { CliContext } from '../context.ts';

/** An answer as JSON as it is, or some of its facts, a line each. */
export async function printFacts(
  { terminal }: CliContext,
  { json }: { readonly json: boolean },
  answer: unknown,
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  if (json) return terminal.write(`${JSON.stringify(answer)}\n`);
  const width = Math.max(...Object.keys(facts).map((name) => name.length)) + 2;
  for (const [name, value] of Object.entries(facts)) {
    if (value !== '') await terminal.write(`${`${name}:`.padEnd(width)}${value}\n`);
  }
}
