import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import ts from 'typescript';
import { readManifest } from '../lib/manifest.ts';
import { ROOT } from '../lib/run.ts';
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

function specifierOf(path: string): string {
  return relative(FOLDER, path).replaceAll('\\', '/');
}

/** For each example: the modules in which a name that it does not import is looked up, in this order. */
function sourcesOf(module: Module, entries: readonly string[]): readonly string[] {
  const own = resolve(ROOT, module.file.replace(/^src\//, 'dist/').replace(/\.ts$/, '.d.ts'));
  return [own, ...entries, resolve(FOLDER, 'rxjs.ts'), NAMES];
}

function importFor(source: string, name: string): string {
  const specifier =
    source === resolve(FOLDER, 'rxjs.ts') ? 'rxjs' : specifierOf(source).replace(/(?<!names)\.d\.ts$/, '.js');
  const keyword = source === NAMES ? 'import type' : 'import';
  return `${keyword} { ${name} } from '${specifier}'; `;
}

/** Compiles each block as a module. Names that an example leaves unimported are imported for it where they are known. */
export function compileBlocks(codeBlocks: readonly CodeBlock[]): Compilation {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(resolve(FOLDER, 'rxjs.ts'), "export * from 'rxjs';\n");

  const modules = codeBlocks.map((block): Module => {
    const name = `${block.file.replaceAll(/[/.]/g, '-')}-${block.line}`;
    const path = resolve(FOLDER, `${name}.ts`);
    return { ...block, path, modulePath: resolve(FOLDER, `${name}.js`), text: block.code };
  });
  const entries = Object.values(readManifest().exports).flatMap((target) =>
    typeof target === 'string' ? [] : [resolve(ROOT, target.types)],
  );
  const write = (): void => {
    for (const { path, text } of modules) writeFileSync(path, text);
  };
  const compile = (): ts.Program => {
    const roots = new Set(modules.flatMap((module) => [module.path, ...sourcesOf(module, entries)]));
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
      const source = sourcesOf(module, entries).find((path) => exportsOf(program, path).has(name));
      if (source !== undefined) imports += importFor(source, name);
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
      compilerOptions: { ...readOptions(), noEmit: false, sourceMap: false },
      fileName: module.path,
    });
    writeFileSync(module.modulePath, outputText);
  }
  return { blocks: modules, problems };
}
