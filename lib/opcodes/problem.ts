// Validates single parameters, and words what is wrong. A message says which part is wrong, what is expected with an example, and what
// was given. Secret values never get into it: not those of secret parameters, nor those in requests inside a parameter.
import { type Fault, faultOf, partAt, pathText, shown, wordsOf } from '../base/schema-words.ts';
import type { Param } from '../model/params.ts';
import { textFault } from '../model/texts.ts';
import { exampleFor } from './examples.ts';

/** The validated value of a parameter, or what is wrong with the given one. */
export type Checked = { value: unknown; problem?: never } | { problem: string; value?: never };

/** Validates the value that was given for a parameter. A problem is one sentence without a full stop. */
export function checkedValue(name: string, param: Param, given: unknown, example: unknown): Checked {
  const parsed = param.schema.safeParse(given);
  if (!parsed.success)
    return { problem: wrongValue(name, param, given, example, faultOf(param.schema, parsed.error.issues)) };
  const isEnvironment = param.type.includes('Dictionary'); // all its texts become one environment of a script
  const fault = textFault(given, { name, lines: param.lines === true, together: isEnvironment });
  if (fault === null) return { value: parsed.data };
  const right = exampleText(name, param, example);
  return { problem: `parameter '${name}' must be valid in all its texts, ${right}: ${fault}` };
}

const exampleText = (name: string, param: Param, example: unknown) =>
  `e.g. ${shown(exampleFor(name, param, example))}`;

function wrongValue(name: string, param: Param, given: unknown, example: unknown, fault: Fault): string {
  const right = exampleText(name, param, example);
  const what = pathText(name, fault.path);
  if (fault.key !== undefined) {
    const known = fault.right === '' ? '' : `; there must be ${fault.right}`;
    return `parameter '${name}' must be valid in all its parts, ${right}: ${what} has the unknown key ${shown(fault.key)}${known}`;
  }
  const part = partAt(given, fault.path);
  if (part === undefined && fault.path.length > 0) {
    const whole = param.secret ? '' : ` in ${shown(withoutSecrets(partAt(given, fault.path.slice(0, -1))))}`;
    return `parameter '${name}' must be valid in all its parts, ${right}: ${what} is missing${whole}; it must be ${fault.right}`;
  }
  const found = param.secret ? 'the given value' : shown(withoutSecrets(part));
  return fault.path.length === 0
    ? `parameter '${name}' must be ${wordsFor(param)}, ${right}, not ${found}`
    : `parameter '${name}' must be valid in all its parts, ${right}: ${what} must be ${fault.right}, not ${found}`;
}

/** Secret parameters of requests that are inside a parameter, such as those of OP_INSTANCE_MULTI_ALLOC. */
const secretNames = ['osparams_private', 'osparams_secret', 'osparams_private_cluster'];

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, item]) => [name, secretNames.includes(name) ? '<redacted>' : withoutSecrets(item)]),
  );
}

/** The message for a missing parameter. */
export function missing(name: string, param: Param, example: unknown): string {
  return `missing parameter '${name}': ${wordsFor(param)}, ${exampleText(name, param, example)}`;
}

/** The message for an unknown parameter. */
export function unknown(name: string, params: Readonly<Record<string, Param>>): string {
  return `unknown parameter ${quoted(name)}; known are ${Object.keys(params).sort().join(', ')}`;
}

/** A name from a request in quotes, shortened; as JSON if it contains characters that cannot be printed. */
function quoted(name: string): string {
  const text = shown(name);
  return text === `"${name}"` ? `'${name}'` : text;
}

/** The values that a parameter accepts, as words after "must be". */
export function wordsFor(param: Param): string {
  const words = param.words ?? wordsOf(param.schema);
  return param.words !== undefined && param.schema.safeParse(null).success ? `${words}, or null` : words;
}
