import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import ts from 'typescript';
import { readManifest } from '../lib/manifest.ts';
import { ROOT } from '../lib/root.ts';
import type { CodeBlock } from './code-blocks.ts';

/** A code block as a module of its own, inside the package so that it can import the package by its name. */
export interface CompiledBlock extends CodeBlock {
  /** The block as a JavaScript module. */
  readonly modulePath: string;
}

/** All blocks, and what the compiler says against them, with the places in the documents. */
export interface Compilation {
  readonly blocks: readonly CompiledBlock[];
  readonly problems: readonly string[];
}

interface Module extends CompiledBlock {
  readonly path: string;
  text: string;
}

const FOLDER = resolve(ROOT, '.cache/docs');
const NAMES = resolve(ROOT, 'scripts/docs/names.d.ts');
const RXJS = resolve(FOLDER, 'rxjs.ts');
/** The entry points, what every folder may use, rxjs, and the names of `names.d.ts`. */
const COMMON: readonly string[] = [
  ...Object.values(readManifest().exports).map((target) =>
    typeof target === 'string' ? '' : resolve(ROOT, target.types),
  ),
  ...ts.sys.readDirectory(resolve(ROOT, 'dist/base'), ['.d.ts']),
  RXJS,
  NAMES,
];
const CANNOT_FIND_NAME = new Set([2304, 2503, 2552, 2580, 18004]);

function readOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(resolve(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  return {
    ...ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options,
    // The package as it is published is found by its own name, not the sources.
    paths: {},
    moduleDetection: ts.ModuleDetectionKind.Force,
    isolatedDeclarations: false,
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
}

/** What `specifier` exports, as seen from the folder of the blocks. */
function exportsOf(program: ts.Program, path: string): ReadonlySet<string> {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const symbol = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  return new Set(symbol === undefined ? [] : checker.getExportsOfModule(symbol).map(({ name }) => name));
}

/** For each example: the declarations in which a name that it does not import is looked up, in this order. */
function sourcesOf(module: Module): readonly string[] {
  const own = resolve(ROOT, module.file.replace(/^src\//, 'dist/').replace(/\.ts$/, '.d.ts'));
  return [own, resolve(own, '../index.d.ts'), ...COMMON];
}

function importOf(name: string, source: string): string {
  if (source === RXJS) return `import { ${name} } from 'rxjs'; `;
  return `import { ${name} } from '${relative(FOLDER, source).replace(/\.d\.ts$/, '.js')}'; `;
}

/** Compiles each block as a module. Names that an example leaves unimported are imported for it where they are known. */
export function compileBlocks(codeBlocks: readonly CodeBlock[]): Compilation {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(RXJS, "export * from 'rxjs';\n");

  const modules = codeBlocks.map((block): Module => {
    const name = `${block.file.replaceAll(/[/.]/g, '-')}-${block.line}`;
    const path = resolve(FOLDER, `${name}.ts`);
    return { ...block, path, modulePath: resolve(FOLDER, `${name}.js`), text: block.code };
  });
  const write = (): void => {
    for (const { path, text } of modules) writeFileSync(path, text);
  };
  const compile = (): ts.Program => {
    const roots = new Set(modules.flatMap((module) => [module.path, ...sourcesOf(module)]));
    return ts.createProgram(
      [...roots].filter((path) => ts.sys.fileExists(path)),
      readOptions(),
    );
  };

  write();
  const program = compile();
  for (const module of modules) {
    if (!module.isExample) continue;
    const missing = new Set<string>();
    const file = program.getSourceFile(module.path);
    for (const { code, start = 0, length = 0 } of program.getSemanticDiagnostics(file)) {
      if (CANNOT_FIND_NAME.has(code)) missing.add(module.text.slice(start, start + length));
    }
    let imports = '';
    for (const name of missing) {
      if (name === 'assert') imports += "import assert from 'node:assert/strict'; ";
      const source = sourcesOf(module).find((path) => exportsOf(program, path).has(name));
      if (source !== undefined) imports += importOf(name, source);
    }
    module.text = imports + module.text; // on the first line, so that line numbers stay
  }
  write();

  const checked = compile();
  const problems: string[] = [];
  for (const module of modules) {
    const file = checked.getSourceFile(module.path);
    for (const diagnostic of [...checked.getSyntacticDiagnostics(file), ...checked.getSemanticDiagnostics(file)]) {
      const line = file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
      const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
      problems.push(`${module.file}:${module.line + line}: ${text}`);
    }
    const { outputText } = ts.transpileModule(module.text, {
      // On its own a file does not show that its package is ESM.
      compilerOptions: { ...readOptions(), module: ts.ModuleKind.ESNext, noEmit: false },
      fileName: module.path,
    });
    writeFileSync(module.modulePath, outputText);
  }
  return { blocks: modules, problems };
}
