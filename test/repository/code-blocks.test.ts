import { describe, expect, test } from 'vitest';
import { exampleBlocks, markdownBlocks, promisedOutput } from '../../scripts/docs/code-blocks.ts';

const lines = (...text: string[]): string => text.join('\n');

describe('code blocks of a Markdown document', () => {
  test('are those fenced as TypeScript, with the line on which the code starts', () => {
    const text = lines(
      '# Title',
      '```ts',
      'first();',
      '```',
      '```sh',
      'npm ci',
      '```',
      '```typescript',
      'second();',
      '```',
    );
    expect(markdownBlocks('a.md', text)).toMatchObject([
      { file: 'a.md', line: 3, code: 'first();', isRun: false },
      { file: 'a.md', line: 9, code: 'second();', isRun: false },
    ]);
  });

  test('are run when marked, when they assert, and when they say what they print', () => {
    const text = lines(
      '```ts run',
      'a();',
      '```',
      '```ts',
      'assert(b);',
      '```',
      '```ts',
      'c(); //=> c',
      '```',
      '```ts',
      'd();',
      '```',
    );
    expect(markdownBlocks('a.md', text).map(({ isRun }) => isRun)).toEqual([true, true, true, false]);
  });

  test('lose the indentation of their fence', () => {
    expect(markdownBlocks('a.md', lines('  ```ts', '  if (x) {', '    y();', '  }', '  ```'))).toMatchObject([
      { code: lines('if (x) {', '  y();', '}') },
    ]);
  });

  test('must be closed, and take no flag but `run`', () => {
    expect(() => markdownBlocks('a.md', lines('text', '```ts', 'a();'))).toThrow(
      'a.md:2: this code block is never closed',
    );
    expect(() => markdownBlocks('a.md', lines('```ts norun', 'a();', '```'))).toThrow(
      'a.md:1: a code block takes `run`',
    );
  });
});

describe('examples of a source file', () => {
  test('without a fence are code up to the next tag', () => {
    const source = lines(
      '',
      '/**',
      ' * Adds.',
      ' *',
      ' * @example',
      ' * add(1,',
      ' *   2);',
      ' * @throws never',
      ' */',
    );
    expect(exampleBlocks('a.ts', source)).toMatchObject([{ line: 6, code: lines('add(1,', '  2);'), isExample: true }]);
  });

  test('with a fence are what stands in it, decorators included', () => {
    const source = lines(
      '/**',
      ' * @example Title',
      ' * Text.',
      ' * ```ts',
      ' * @sealed',
      ' * class A {}',
      ' * ```',
      ' */',
    );
    expect(exampleBlocks('a.ts', source)).toMatchObject([{ line: 5, code: lines('@sealed', 'class A {}') }]);
  });
});

test('the promised output is the text behind each arrow, in order', () => {
  expect(promisedOutput(lines('a(); //=> 1', 'b();', 'c(); //=> two words'))).toEqual(['1', 'two words']);
  expect(promisedOutput('a(); // 1')).toBeUndefined();
});
