// The building blocks of opcode parameters: kinds of values (a Zod schema with its name in Ganeti's notation), and parameters made of
// them. The definitions in lib/opcodes are data: validation, the generated docs and error messages all derive from them.
import * as z from 'zod';
import { submitPriorities } from './job.ts';

/** A parameter of an opcode. */
export interface Param<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  /** One sentence for the docs. */
  readonly doc: string;
  /** Its type in Ganeti's notation (tables of Ganeti 3.0), for the docs and for messages. */
  readonly type: string;
  readonly required: boolean;
  /** The default value; without meaning when the parameter is required. */
  readonly default: unknown;
  /** Whether its values must never be shown, logged or stored unencrypted. */
  readonly secret: boolean;
  /** Whether its texts may have several lines. */
  readonly lines?: boolean;
  /** What is expected, as words after "must be", if the schema does not say it. */
  readonly words?: string;
  /** A valid value, for messages, if neither the schema nor the name of the parameter suggests one. */
  readonly example?: unknown;
}

/** A kind of values: a schema with its name in Ganeti's notation. The optional fields are those of Param. */
export interface Kind<S extends z.ZodType> {
  schema: S;
  type: string;
  lines?: boolean;
  words?: string;
  example?: unknown;
}

const kind = <S extends z.ZodType>(type: string, schema: S): Kind<S> => ({ type, schema });

/** A kind whose texts may have several lines. */
export const lines = <S extends z.ZodType>(of: Kind<S>): Kind<S> => ({ ...of, lines: true });

/** Parameters of an OS. Its scripts get them as environment variables, which cannot be null. */
const osParams = z.record(
  z.string(),
  z.unknown().refine((value) => value !== null, 'a text, e.g. "", since a script cannot get null'),
);

/** The kinds of values that parameters are made of. */
export const kinds = {
  text: kind('String', z.string()),
  name: kind('NonEmptyString', z.string().min(1)),
  bool: kind('Boolean', z.boolean()),
  integer: kind('Integer', z.number().int()),
  count: kind('EqualOrGreaterThanZero', z.number().int().min(0)),
  float: kind('Float', z.number()),
  list: kind('List of Anything', z.array(z.unknown())),
  names: kind('List of NonEmptyString', z.array(z.string().min(1))),
  texts: kind('List of String', z.array(z.string())),
  dict: kind('Dictionary with keys of Anything and values of Anything', z.record(z.string(), z.unknown())),
  /** Parameters of an OS: their values become texts in the environment of its scripts. */
  osParams: lines(kind('Dictionary with keys of Anything and values of Anything', osParams)),
  privateDict: lines(kind('Dictionary with keys of Anything and values of (Private Anything)', osParams)),
};

/** An enumeration of texts. */
export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): Kind<z.ZodEnum<{ [K in T[number]]: K }>> {
  return kind(`OneOf ${values.join(', ')}`, z.enum(values)) as never;
}

/** A kind that also accepts null. */
export function maybe<S extends z.ZodType>(of: Kind<S>): Kind<z.ZodNullable<S>> {
  const type = `None or ${/^\w+$/.test(of.type) ? of.type : `(${of.type})`}`;
  return { ...of, type, schema: of.schema.nullable() };
}

/** A required parameter. */
export function required<S extends z.ZodType>(of: Kind<S>, doc: string): Param<S> {
  return { ...of, doc, required: true, default: undefined, secret: false };
}

/** A parameter with a default. */
export function optional<S extends z.ZodType>(of: Kind<S>, fallback: z.infer<S>, doc: string): Param<S> {
  return { ...of, doc, required: false, default: fallback, secret: false };
}

/** Marks a parameter as secret. */
export function secret<P extends Param>(param: P): P {
  return { ...param, secret: true };
}

const dependency = z.tuple([z.number().int(), z.array(z.enum(['error', 'canceled', 'success']))]);

/** The parameters that every opcode accepts. */
export const commonParams = {
  dry_run: optional(maybe(kinds.bool), null, 'Only check whether it could be done.'),
  debug_level: optional(maybe(kinds.count), null, 'How much the scripts on the nodes log.'),
  priority: optional(
    kind('OneOf 0, 10, -10', z.union(submitPriorities.map((value) => z.literal(value)))),
    0,
    'The smaller number goes first.',
  ),
  depends: optional(
    kind(
      'None or (List of [job id or negative relative id, list of final statuses])',
      z.array(dependency).nullable(),
    ),
    null,
    'Jobs that must have ended, each with the statuses that are accepted.',
  ),
  comment: optional(maybe(lines(kinds.text)), null, 'A remark for people.'),
  reason: optional(
    maybe(lines(kinds.list)),
    [],
    'Why it is done: a list of [source, text, time in nanoseconds].',
  ),
};

/** The parameters that several opcodes share. */
export const shared = {
  instanceName: required(kinds.text, 'The name of the instance.'),
  instanceUuid: optional(maybe(kinds.name), null, 'The uuid of the instance; filled in.'),
  shutdownTimeout: optional(kinds.count, 120, 'Seconds that the guest has to shut down before it is ended.'),
  force: optional(kinds.bool, false, 'Do it even when a check advises against it.'),
  ignoreOfflineNodes: optional(kinds.bool, false, 'Record the change even when the primary node is offline.'),
  noRemember: optional(kinds.bool, false, 'Do not change the state that the instance is meant to have.'),
};
