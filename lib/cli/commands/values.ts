// Converts the text of an option to the value of a parameter. A text can have several meanings (`1` is a number or a name), so the
// parameter's schema decides: the first meaning that it accepts is taken.

import { InvalidArgumentError } from 'commander';
import { stringifyJson } from '../../base/json.ts';
import { shown } from '../../base/schema-words.ts';
import type { Param } from '../../model/params.ts';
import { exampleFor } from '../../opcodes/examples.ts';
import { wordsFor } from '../../opcodes/problem.ts';

/** A text as a number, a boolean or a string. */
function scalar(text: string): unknown {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

/** Parses `a=1,b=x`; undefined when the text does not have this form. `value` converts the values. */
function dictionary(text: string, value: (text: string) => unknown): Record<string, unknown> | undefined {
  const members = text.split(',').map((part) => /^([^=]+)=(.*)$/s.exec(part));
  if (!members.every((member) => member !== null)) return undefined;
  return Object.fromEntries(members.map(([, name, word]) => [String(name), value(String(word))]));
}

/** Parses JSON; undefined when the text is not JSON. */
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

/** A value as it is written on the command line. */
function optionText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? `'${stringifyJson(value)}'` : String(value);
}

/** The possible values of an option, from the texts given for it; the most likely first. Undefined ones are to be skipped. */
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
 * The value of a parameter from the texts given for its option: as they are, as JSON, as `a=1,b=x`, or as a list, separated by commas
 * or from a repeated option. `own` is the opcode's example for the parameter, used in the message.
 * @throws InvalidArgumentError when the schema accepts none of these, with what would be right
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
