import { clone, toBinary } from '@bufbuild/protobuf';
import type { DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';

/** What the reflection service finds files by. */
export interface ReflectionIndex {
  /** Full names of all services. */
  readonly services: readonly string[];
  /** A file and those it imports, each a serialized FileDescriptorProto; `undefined` if there is none of this name. */
  byName(fileName: string): readonly Uint8Array[] | undefined;
  /** Likewise, for the file that declares a service, method, message, field or enum of this full name. */
  bySymbol(symbol: string): readonly Uint8Array[] | undefined;
}

/** Indexes files with all that they import. */
export function indexFiles(files: readonly FileDescriptorProto[]): ReflectionIndex {
  const byName = new Map(files.map((file) => [file.name, file]));
  const bySymbol = new Map(files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file])));

  const withImports = (file: FileDescriptorProto | undefined, seen = new Set<FileDescriptorProto>()): Uint8Array[] => {
    if (file === undefined || seen.has(file)) return [];
    seen.add(file);
    const imports = file.dependency.flatMap((name) => withImports(byName.get(name), seen));
    return [toBinary(FileDescriptorProtoSchema, file), ...imports];
  };
  const find = (file: FileDescriptorProto | undefined): readonly Uint8Array[] | undefined =>
    file === undefined ? undefined : withImports(file);
  return {
    services: files.flatMap((file) => file.service.map(({ name }) => qualified(file.package, name))),
    byName: (name) => find(byName.get(name)),
    bySymbol: (symbol) => find(bySymbol.get(symbol)),
  };
}

/** The files, and whatever they import. */
export function protosOf(files: readonly DescFile[]): FileDescriptorProto[] {
  const all = new Set<DescFile>();
  const add = (file: DescFile): void => {
    all.add(file);
    for (const imported of file.dependencies) add(imported);
  };
  files.forEach(add);
  return [...all].map(({ proto }) => proto);
}

/** The same file as one of another package. Its types must be its own. */
export function inPackage(file: FileDescriptorProto, packageName: string): FileDescriptorProto {
  const copy = clone(FileDescriptorProtoSchema, file);
  const moved = (name: string): string => name.replace(`.${file.package}.`, `.${packageName}.`);
  copy.package = packageName;
  copy.name = file.name.replace(file.package.replaceAll('.', '/'), packageName.replaceAll('.', '/'));
  for (const { field } of copy.messageType) for (const each of field) each.typeName = moved(each.typeName);
  for (const method of copy.service.flatMap((service) => service.method)) {
    method.inputType = moved(method.inputType);
    method.outputType = moved(method.outputType);
  }
  return copy;
}

function symbolsOf(file: FileDescriptorProto): string[] {
  const ofMessage = (scope: string, message: DescriptorProto): string[] => {
    const name = qualified(scope, message.name);
    return [
      name,
      ...[...message.field, ...message.oneofDecl, ...message.enumType].map((part) => qualified(name, part.name)),
      ...message.nestedType.flatMap((nested) => ofMessage(name, nested)),
    ];
  };
  return [
    ...file.messageType.flatMap((message) => ofMessage(file.package, message)),
    ...file.enumType.map(({ name }) => qualified(file.package, name)),
    ...file.service.flatMap((service) => {
      const name = qualified(file.package, service.name);
      return [name, ...service.method.map((method) => qualified(name, method.name))];
    }),
  ];
}

function qualified(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}
