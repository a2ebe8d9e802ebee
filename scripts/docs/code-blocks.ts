/** A piece of TypeScript in the documentation. */
export interface CodeBlock {
  /** Path of the document, from the root of the repository. */
  readonly file: string;
  /** Line of the document on which the code starts, from 1. */
  readonly line: number;
  readonly code: string;
  /** To be executed, not only compiled: it is marked `ts run`, asserts something, or says what it prints. */
  readonly isRun: boolean;
  /** From an `@example` in a source file: there, names of the package and of rxjs need no import. */
  readonly isExample: boolean;
}

const FENCE = /^\s*(`{3,})\s*(.*)$/;
const LANGUAGES: readonly (string | undefined)[] = ['ts', 'typescript'];

interface Fenced {
  readonly fence: string;
  readonly info: readonly string[];
  /** Index of the first line inside. */
  readonly first: number;
  readonly indent: number;
}

/** The blocks of a Markdown text that are fenced as `ts` or `typescript`, with or without `run`. */
export function markdownBlocks(file: string, text: string): CodeBlock[] {
  return fencedBlocks(file, text.split('\n'), 1, false);
}

function fencedBlocks(file: string, lines: readonly string[], firstLine: number, isExample: boolean): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: Fenced | undefined;
  for (const [index, line] of lines.entries()) {
    const [, fence, info = ''] = FENCE.exec(line) ?? [];
    if (fence === undefined) continue;
    if (open === undefined) {
      open = { fence, info: info.split(/\s+/), first: index + 1, indent: line.length - line.trimStart().length };
    } else if (info === '' && fence.startsWith(open.fence)) {
      const { indent, first, info } = open;
      const code = lines.slice(first, index).map((inner) => inner.slice(indent));
      if (LANGUAGES.includes(info[0])) {
        const isRun = isMarkedRun(info.slice(1), `${file}:${firstLine + first - 1}`);
        blocks.push(blockOf(file, firstLine + first, code, isRun, isExample));
      }
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${file}:${firstLine + open.first - 1}: this code block is never closed`);
  return blocks;
}

function isMarkedRun(flags: readonly string[], place: string): boolean {
  const unknown = flags.filter((flag) => flag !== 'run');
  if (unknown.length > 0)
    throw new Error(`${place}: a code block takes \`run\` and nothing else, not ${unknown.join(' ')}`);
  return flags.length > 0;
}

function blockOf(file: string, line: number, lines: readonly string[], isRun: boolean, isExample: boolean): CodeBlock {
  const code = lines.join('\n').trimEnd();
  return { file, line, code, isRun: isRun || /\bassert\b/.test(code) || promisedOutput(code) !== undefined, isExample };
}

/**
 * The `@example` blocks of a source file. What stands in fences is taken as in Markdown; an example without a fence is
 * code as a whole.
 */
export function exampleBlocks(file: string, source: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  for (const comment of source.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const firstLine = source.slice(0, comment.index).split('\n').length;
    const lines = comment[0]
      .slice(3, -2)
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''));
    for (const [index, line] of lines.entries()) {
      if (!/^\s*@example\b/.test(line)) continue;
      const start = index + 1;
      const body = lines.slice(start, endOfTag(lines, start));
      const isFenced = body.some((inner) => FENCE.test(inner));
      if (isFenced) blocks.push(...fencedBlocks(file, body, firstLine + start, true));
      else blocks.push(blockOf(file, firstLine + start, body, false, true));
    }
  }
  return blocks;
}

/** Index of the next TSDoc tag, which is not a decorator in a fence, or of the end. */
function endOfTag(lines: readonly string[], start: number): number {
  let isFenced = false;
  for (let index = start; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (FENCE.test(line)) isFenced = !isFenced;
    if (!isFenced && /^\s*@[a-z]/.test(line)) return index;
  }
  return lines.length;
}

/** What a block says that it prints: the text behind each `//=>`, in order. Undefined if it does not say. */
export function promisedOutput(code: string): readonly string[] | undefined {
  const lines = [...code.matchAll(/\/\/=> ?(.*)$/gm)].map(([, text = '']) => text.trimEnd());
  return lines.length === 0 ? undefined : lines;
}
