import { InvalidArgumentError } from 'commander';
import { stringifyJson } from '../../base/json.ts';
import { shown } from '../../base/schema-words.ts';
import type { Param } from '../../model/params.ts';
import { exampleFor } from '../../opcodes/examples.ts';
import { wordsFor } from '../../opcodes/problem.ts';

/** A word of a command line as a value: a number, a truth value or a text. */
function scalar(text: string): unknown {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

/** `a=1,b=x` as a dictionary; undefined when it is none. */
function dictionary(text: string, value: (text: string) => unknown): Record<string, unknown> | undefined {
  const members = text.split(',').map((part) => /^([^=]+)=(.*)$/s.exec(part));
  if (!members.every((member) => member !== null)) return undefined;
  return Object.fromEntries(members.map(([, name, word]) => [String(name), value(String(word))]));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isYes: Readonly<Record<string, boolean>> = {
  yes: true,
  true: true,
  '1': true,
  no: false,
  false: false,
  '0': false,
};

/** A value as one would write it behind an option. */
function optionText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? `'${stringifyJson(value)}'` : String(value);
}

/** What the words given for an option may mean, the likeliest first. */
function* meanings(texts: readonly string[]): Generator<unknown> {
  const [first = ''] = texts;
  if (texts.length === 1) {
    yield first;
    yield scalar(first);
    yield isYes[first];
    yield json(first);
    yield dictionary(first, scalar);
    yield dictionary(first, (text) => text);
    if (first === 'none') yield null;
    yield first.split(',');
    yield first.split(',').map(scalar);
  }
  yield texts;
  yield texts.map(scalar);
  yield texts.map((text) => dictionary(text, scalar) ?? json(text));
  yield texts.map((text) => dictionary(text, (word) => word) ?? json(text));
}

/**
 * The value of a parameter from the words that were given for it: as they are, as JSON, as `a=1,b=x`, or as a list with commas
 * or of repeated options. `own` is the opcode's example of it.
 * @throws InvalidArgumentError when none of these is right, telling what would be
 */
export function valueFrom(name: string, param: Param, texts: readonly string[], own?: unknown): unknown {
  for (const value of meanings(texts)) {
    if (value === undefined) continue;
    const parsed = param.schema.safeParse(value);
    if (parsed.success) return value;
  }
  const found = param.secret ? 'what was given' : shown(texts.length === 1 ? texts[0] : texts);
  const example = optionText(exampleFor(name, param, own));
  throw new InvalidArgumentError(`It must be ${wordsFor(param)}, e.g. ${example}, not ${found}.`);
}
