import { type Fault, faultOf, partAt, pathText, shown, wordsOf } from '../base/schema-words.ts';
import type { Param } from '../model/params.ts';
import { textFault } from '../model/texts.ts';
import { exampleFor } from './examples.ts';

/** The value of a parameter as it is kept, or what is wrong with what was given. */
export type Checked = { value: unknown; problem?: never } | { problem: string; value?: never };

/**
 * Checks the value that was given for a parameter. What is wrong is told in one sentence without its end: the part, what would be right
 * with an example, and what stands there, unless it is secret.
 */
export function checkedValue(name: string, param: Param, given: unknown, example: unknown): Checked {
  const parsed = param.schema.safeParse(given);
  if (!parsed.success)
    return { problem: wrongValue(name, param, given, example, faultOf(param.schema, parsed.error.issues)) };
  const isTogether = param.type.includes('Dictionary');
  const fault = textFault(given, { name, lines: param.lines === true, together: isTogether });
  if (fault === null) return { value: parsed.data };
  const right = exampleText(name, param, example);
  return { problem: `parameter '${name}' must be right in all its texts, ${right}: ${fault}` };
}

const exampleText = (name: string, param: Param, example: unknown) =>
  `e.g. ${shown(exampleFor(name, param, example))}`;

function wrongValue(name: string, param: Param, given: unknown, example: unknown, fault: Fault): string {
  const right = exampleText(name, param, example);
  const what = pathText(name, fault.path);
  if (fault.key !== undefined) {
    const known = fault.right === '' ? '' : `; there must be ${fault.right}`;
    return `parameter '${name}' must be right in all its parts, ${right}: ${what} has the unknown key ${shown(fault.key)}${known}`;
  }
  const found = param.secret ? 'what was given' : shown(withoutSecrets(partAt(given, fault.path)));
  return fault.path.length === 0
    ? `parameter '${name}' must be ${wordsFor(param)}, ${right}, not ${found}`
    : `parameter '${name}' must be right in all its parts, ${right}: ${what} must be ${fault.right}, not ${found}`;
}

/** Parameters that stay secret where a request stands within another one's parameter. */
const secretNames = ['osparams_private', 'osparams_secret', 'osparams_private_cluster'];

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, item]) => [name, secretNames.includes(name) ? '<redacted>' : withoutSecrets(item)]),
  );
}

/** What is told of a parameter that is missing. */
export function missing(name: string, param: Param, example: unknown): string {
  return `missing parameter '${name}': ${wordsFor(param)}, ${exampleText(name, param, example)}`;
}

/** What is told of a parameter that there is not. */
export function unknown(name: string, params: Readonly<Record<string, Param>>): string {
  return `unknown parameter ${quoted(name)}; known are ${Object.keys(params).sort().join(', ')}`;
}

/** A name from outside in quotes, shortened; in JSON where it holds what cannot be printed. */
function quoted(name: string): string {
  const text = shown(name);
  return text === `"${name}"` ? `'${name}'` : text;
}

/** What a parameter takes, in words that fit behind "must be". */
export function wordsFor(param: Param): string {
  const words = param.words ?? wordsOf(param.schema);
  return param.words !== undefined && param.schema.safeParse(null).success ? `${words}, or null` : words;
}
