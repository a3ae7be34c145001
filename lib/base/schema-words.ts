// Turns the failures of Zod schemas into messages for users: where a value is wrong, what it is, and what would be right. No word of
// Zod's own messages is shown.

import type * as z from 'zod';
import { stringifyJson } from './json.ts';

/** What is wrong in a value that a schema refuses: where, and what would be right there. */
export interface Fault {
  path: readonly PropertyKey[];
  /** Follows "must be". May be empty when `key` is set: the key itself is wrong then. */
  right: string;
  key?: string;
}

type Issue = z.core.$ZodIssue;

/** The values that a schema accepts, in words that follow "must be". */
export function wordsOf(schema: z.core.$ZodType): string {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return ((schema as z.ZodString).minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text';
    case 'number': {
      const { isInt, minValue, maxValue } = schema as z.ZodNumber;
      return rangeWords(isInt ? 'an integer' : 'a number', minValue, maxValue);
    }
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array': {
      const item = wordsOf(def.element);
      return item === ANYTHING ? 'a list' : `a list in which each item is ${item}`;
    }
    case 'tuple':
      return `a list of ${def.items.length} items: ${def.items.map(wordsOf).join(', ')}`;
    case 'record': {
      const value = wordsOf(def.valueType);
      return value === ANYTHING ? 'an object' : `an object in which each value is ${value}`;
    }
    case 'object':
      return 'an object';
    case 'enum':
      return choiceWords(Object.values(def.entries));
    case 'literal':
      return choiceWords(def.values);
    case 'nullable':
      return `${wordsOf(def.innerType)}, or null`;
    case 'optional':
    case 'default':
      return wordsOf(def.innerType);
    case 'union':
      return [...new Set(def.options.map(wordsOf))].join(', or ');
    case 'pipe':
      return wordsOf(def.in);
    default:
      return ANYTHING;
  }
}

const ANYTHING = 'a JSON value';

/** Whether a minimum or maximum restricts anything: Zod's defaults for integers are the limits of safe integers. */
const isBound = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;

function rangeWords(what: string, min: unknown, max: unknown): string {
  if (isBound(min) && isBound(max)) return `${what} from ${min} to ${max}`;
  if (isBound(min)) return `${what} of at least ${min}`;
  return isBound(max) ? `${what} of at most ${max}` : what;
}

function choiceWords(values: readonly unknown[]): string {
  const texts = values.map((value) => (typeof value === 'string' ? value : stringifyJson(value)));
  return texts.length === 1 ? `${texts[0]}` : `one of ${texts.join(', ')}`;
}

/** The first fault for which a schema refused a value; in a union, that of the alternative that fits best (the deepest path). */
export function faultOf(schema: z.core.$ZodType, issues: readonly Issue[]): Fault {
  const [issue] = issues;
  return issue ? faultFrom(issue, schema) : { path: [], right: wordsOf(schema) };
}

/** How Zod's own messages begin. Any other message was set in a schema, and is written so that it follows "must be". */
const ownWords = /^(Invalid|Too (small|big)|Unrecognized key)/;

function faultFrom(issue: Issue, schema: z.core.$ZodType): Fault {
  const { path } = issue;
  if (!ownWords.test(issue.message)) return { path, right: issue.message };
  switch (issue.code) {
    case 'unrecognized_keys':
      return { path, right: '', key: String(issue.keys[0]) };
    case 'invalid_key': {
      const key = String(path.at(-1));
      const [inner] = issue.issues;
      const right = inner?.code === 'invalid_value' ? choiceWords(inner.values) : '';
      return { path: path.slice(0, -1), right, key };
    }
    case 'invalid_union': {
      const faults = issue.errors.flatMap(([first]) => (first ? [faultFrom(first, schema)] : []));
      const depth = Math.max(0, ...faults.map((fault) => fault.path.length));
      const deepest = faults.filter((fault) => fault.path.length === depth);
      const [first] = deepest;
      if (!first) return { path, right: wordsOf(at(schema, path)) };
      const right = [...new Set(deepest.map((fault) => fault.right))]
        .filter((words) => words !== '')
        .join(', or ');
      return { ...first, path: [...path, ...first.path], right };
    }
    case 'custom':
      return { path, right: wordsOf(at(schema, path)) };
    default:
      return { path, right: issueWords(issue) };
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  record: 'an object',
  object: 'an object',
  null: 'null',
};

function issueWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeWords[issue.expected] ?? 'another value';
    case 'invalid_value':
      return choiceWords(issue.values);
    case 'too_small':
      if (issue.origin === 'string') return 'a text that is not empty';
      if (issue.origin === 'array') return `a list of at least ${issue.minimum} items`;
      return `at least ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `a text of at most ${issue.maximum} characters`;
      if (issue.origin === 'array') return `a list of at most ${issue.maximum} items`;
      return `at most ${issue.maximum}`;
    default:
      return 'another value';
  }
}

/** Every fault of a value that a schema refuses, in words: the part, what would be right, and its present value. */
export function faultTexts(schema: z.core.$ZodType, issues: readonly Issue[], value: unknown): string[] {
  return issues.map((issue) => {
    const { path, right, key } = faultFrom(issue, schema);
    const part = partText(path);
    if (key !== undefined) return `${part} has the unknown key ${shown(key)}`;
    const found = partAt(value, path);
    return found === undefined
      ? `${part} is missing; it must be ${right}`
      : `${part} must be ${right}, not ${shown(found)}`;
  });
}

/** The schema of the part at a path; that of the whole when it cannot be determined, as inside a union. */
function at(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType {
  let found = schema as z.core.$ZodTypes;
  for (const step of path) {
    while (['nullable', 'optional', 'default'].includes(found._zod.def.type))
      found = (found._zod.def as z.core.$ZodNullableDef).innerType as z.core.$ZodTypes;
    const { def } = found._zod;
    if (def.type === 'array') found = def.element as z.core.$ZodTypes;
    else if (def.type === 'record') found = def.valueType as z.core.$ZodTypes;
    else if (def.type === 'object') found = (def.shape[String(step)] ?? found) as z.core.$ZodTypes;
    else if (def.type === 'tuple') found = (def.items[Number(step)] ?? found) as z.core.$ZodTypes;
    else return schema;
  }
  return found;
}

/** The part of a value at a path; undefined when there is none. */
export function partAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let part = value;
  for (const step of path) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, step)) return undefined;
    part = (part as Record<PropertyKey, unknown>)[step];
  }
  return part;
}

/** Like faultTexts(), without the values, which are secret. */
export function secretFaultTexts(schema: z.core.$ZodType, issues: readonly Issue[]): string[] {
  return issues.map((issue) => {
    const { path, right, key } = faultFrom(issue, schema);
    return key === undefined ? `${partText(path)} must be ${right}` : `${partText(path)} has an unknown key`;
  });
}

function partText([first, ...rest]: readonly PropertyKey[]): string {
  return first === undefined ? 'it' : pathText(String(first), rest);
}

/** A path in the notation that users write: `disks[0].size`. */
export function pathText(whole: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return /^[A-Za-z_][\w-]*$/.test(String(step))
      ? `${text}.${String(step)}`
      : `${text}[${shown(String(step))}]`;
  }, whole);
}

/** The longest value that messages show in full, in characters. */
const SHOWN = 80;

/** A value as messages show it: JSON, shortened. */
export function shown(value: unknown): string {
  if (value === undefined || typeof value === 'function') return 'nothing';
  const text = stringifyJson(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 20)}… (${text.length} characters)`;
}
