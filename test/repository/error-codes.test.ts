import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  AuthError,
  ChannelError,
  MlsError,
  QuotaExceededError,
  RuntimeError,
  type SkytaleError,
  TransportError,
} from '../../src/index.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** An error of each class, with any code: for what the class makes of a code. */
const classes: Readonly<Record<string, (code: string) => SkytaleError>> = {
  AuthError: (code) => new AuthError(code as never, 'x'),
  TransportError: (code) => new TransportError(code as never, 'x'),
  ChannelError: (code) => new ChannelError(code as never, 'x'),
  MlsError: (code) => new MlsError(code as never, 'x'),
  QuotaExceededError: () => new QuotaExceededError('x'),
  RuntimeError: (code) => new RuntimeError(code as never, 'x'),
};

const declarations = read('src/base/errors.ts');
const codesOf = (className: string): string[] => {
  if (className === 'QuotaExceededError') return ['quota_exceeded'];
  const union = new RegExp(`export type ${className}Code =([^;]+);`).exec(declarations)?.[1] ?? '';
  return [...union.matchAll(/'([a-z_]+)'/g)].map(([, code]) => code ?? '');
};
const all = Object.keys(classes).flatMap((className) => codesOf(className).map((code) => ({ className, code })));

/** The sections of docs/errors.md by class, and the paragraphs in each by code. */
const documented = new Map(
  read('docs/errors.md')
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...rest] = section.split('\n');
      const entries = rest.join('\n').split(/^### /m);
      const codes = entries.slice(1).map((entry) => {
        const [code = '', ...body] = entry.split('\n');
        return [code, body.join(' ').replace(/\s+/g, ' ')] as const;
      });
      return [title, { intro: entries[0] ?? '', codes: new Map(codes) }] as const;
    }),
);

const sources = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== 'base/errors.ts')
  .map((path) => read(`src/${path}`))
  .join('\n');

it('finds the codes', () => {
  expect(all.length).toBeGreaterThan(45);
  expect([...documented.keys()]).toEqual(Object.keys(classes));
});

describe.each(all)('$className $code', ({ className, code }) => {
  const entry = documented.get(className)?.codes.get(code) ?? '';

  it('is explained: what happened, why, what to do', () => {
    expect(entry).toMatch(/\*\*What happened\.\*\* \S.{10,}\*\*Why\.\*\* \S.{5,}\*\*What to do\.\*\* \S.{10,}/);
  });

  it('is explained with the HTTP status that it has', () => {
    const { httpStatus } = classes[className]!(code);
    expect(/^ ?HTTP (\d+)\./.exec(entry)?.[1]).toBe(httpStatus === undefined ? undefined : String(httpStatus));
  });

  it('has a message with the documented prefix, and leads to its paragraph', () => {
    const error = classes[className]!(code);
    const prefix = error.message.slice(0, error.message.indexOf(':') + 1);
    expect(documented.get(className)?.intro).toContain(`\`${prefix}\``);
    expect(error.docUrl).toBe(`https://docs.skytale.sh/guides/error-handling#${code}`);
  });

  it('is used', () => {
    const isUsed = className === 'QuotaExceededError' ? /new QuotaExceededError\(/ : new RegExp(`'${code}'`);
    expect(sources).toMatch(isUsed);
  });
});

it('explains nothing that is no code', () => {
  const explained = [...documented].flatMap(([className, { codes }]) =>
    [...codes.keys()].map((code) => `${className} ${code}`),
  );
  expect(explained).toEqual(all.map(({ className, code }) => `${className} ${code}`));
});
