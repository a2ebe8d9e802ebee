/**
 * A validator as the Standard Schema specification describes it, version 1 (https://standardschema.dev), as far as it is
 * used here. Zod, Valibot, ArkType and others are such.
 */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>;
    /** For the compiler alone: what goes in and what comes out. */
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}

/** What a validator found. */
export type StandardResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  readonly message: string;
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
