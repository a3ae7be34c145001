import { faultOf, partAt, pathText, shown, wordsOf } from '../base/schema-words.ts';
import type { Param } from '../model/params.ts';
import { textFault } from '../model/texts.ts';
import { exampleFor } from './examples.ts';

/**
 * What is wrong with the value that was given for a parameter, in one sentence without its end: the part, what would be right with
 * an example, and what stands there, unless it is secret. Null for nothing.
 */
export function problemWith(name: string, param: Param, given: unknown, example: unknown): string | null {
  const parsed = param.schema.safeParse(given);
  const right = `e.g. ${shown(exampleFor(name, param, example))}`;
  if (parsed.success) {
    const isTogether = param.type.includes('Dictionary');
    const fault = textFault(given, { name, lines: param.lines === true, together: isTogether });
    return fault && `parameter '${name}' must be right in all its texts, ${right}: ${fault}`;
  }
  const fault = faultOf(param.schema, parsed.error.issues);
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
  return `missing parameter '${name}': ${wordsFor(param)}, e.g. ${shown(exampleFor(name, param, example))}`;
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
