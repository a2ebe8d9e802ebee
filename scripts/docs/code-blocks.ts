/** A piece of TypeScript in the documentation. */
export interface CodeBlock {
  /** Path of the document, from the root of the repository. */
  readonly file: string;
  /** Line of the document on which the code starts, from 1. */
  readonly line: number;
  readonly code: string;
  /** Marked `ts run`: it is executed, not only compiled. */
  readonly isRun: boolean;
  /** From an `@example` in a source file: there, names of the package and of rxjs need no import. */
  readonly isExample: boolean;
}

const FENCE = /^\s*(`{3,})\s*(.*)$/;

/** The blocks of a Markdown text that are fenced as `ts` or `typescript`, with or without `run`. */
export function markdownBlocks(
  file: string,
  text: string,
  firstLine: number = 1,
  isExample: boolean = false,
): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { fence: string; info: readonly string[]; line: number; indent: number; code: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', info = ''] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      if (fence === '') continue;
      const indent = line.length - line.trimStart().length;
      open = { fence, info: info.split(/\s+/), line: firstLine + index + 1, indent, code: [] };
    } else if (info === '' && fence.startsWith(open.fence)) {
      const [language = '', ...flags] = open.info;
      if (language === 'ts' || language === 'typescript') {
        const unknown = flags.filter((flag) => flag !== 'run');
        if (unknown.length > 0)
          throw new Error(`${file}:${open.line - 1}: unknown flag of a code block: ${unknown.join(' ')}`);
        blocks.push({ file, line: open.line, code: open.code.join('\n'), isRun: flags.includes('run'), isExample });
      }
      open = undefined;
    } else open.code.push(line.slice(open.indent));
  }
  if (open !== undefined) throw new Error(`${file}:${open.line - 1}: this code block is never closed`);
  return blocks;
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
    for (const [start, line] of lines.entries()) {
      if (!/^\s*@example\b/.test(line)) continue;
      let isFenced = false;
      const end = lines.findIndex((other, index) => {
        if (index > start && FENCE.test(other)) isFenced = !isFenced;
        return index > start && !isFenced && /^\s*@[a-z]/.test(other);
      });
      const body = lines.slice(start + 1, end === -1 ? undefined : end);
      const bodyLine = firstLine + start + 1;
      if (body.some((other) => FENCE.test(other)))
        blocks.push(...markdownBlocks(file, body.join('\n'), bodyLine, true));
      else blocks.push({ file, line: bodyLine, code: body.join('\n').trimEnd(), isRun: false, isExample: true });
    }
  }
  return blocks;
}

/** What a block says that it prints: the text behind each `//=>`, in order. Undefined if it does not say. */
export function promisedOutput(code: string): readonly string[] | undefined {
  const lines = [...code.matchAll(/\/\/=> ?(.*)$/gm)].map(([, text = '']) => text.trimEnd());
  return lines.length === 0 ? undefined : lines;
}
