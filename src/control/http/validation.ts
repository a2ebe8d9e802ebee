import type { FastifySchemaCompiler } from 'fastify';
import { Compile } from 'typebox/compile';
import { Pointer } from 'typebox/value';
import type { TSchema } from 'typebox';
import { Refusal } from '../refusal.ts';

/** Names that the caller has chosen are repeated up to here. */
const MAX_NAME = 64;

/** One thing that is wrong with a value. */
interface Mistake {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/**
 * Checks parts of requests against the schemas that the OpenAPI document shows. Bodies are taken as they are, without a change of
 * types; a body that is absent counts as an empty object. Texts in addresses count as the numbers that they stand for.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  return (given: unknown) => {
    const value = httpPart === 'body' ? (given ?? {}) : withNumbers(schema, given);
    if (validator.Check(value)) return { value };
    const [mistake] = validator.Errors(value) as readonly Mistake[];
    return { error: new Refusal(400, mistake === undefined ? 'bad request' : textOf(mistake, value), 'bad_request') };
  };
};

/** Only whole numbers, written as such, become numbers; what else is no number fails the check. */
function withNumbers(schema: TSchema, given: unknown): unknown {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: string }>> };
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(
    Object.entries(given).map(([name, value]: [string, unknown]) => {
      const isNumber = properties[name]?.type === 'integer' && typeof value === 'string' && /^\d{1,15}$/.test(value);
      return [name, isNumber ? Number(value) : value];
    }),
  );
}

/** `email is required`: what is missing, or empty where something is needed, is told alike. */
function textOf(mistake: Mistake, value: unknown): string {
  const { keyword, instancePath, message, params } = mistake;
  const name = instancePath.slice(1).replaceAll('/', '.');
  if (keyword === 'required') {
    const { requiredProperties = [] } = params as { readonly requiredProperties?: readonly string[] };
    return `${[name, requiredProperties[0]].filter(Boolean).join('.')} is required`;
  }
  if (keyword === 'minLength' && Pointer.Get(value, instancePath) === '') return `${name} is required`;
  if (keyword === 'boolean') return `${name.slice(0, MAX_NAME)} is not known`;
  return `${name === '' ? 'the body' : name} ${message}`;
}
