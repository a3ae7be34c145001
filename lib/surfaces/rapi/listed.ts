// Listings of thousands of objects as JSON. The text of an object's configured values is made once and kept until the object changes;
// only the live values, which nodes report, are converted at each request.
import { stringifyJson } from '../../base/json.ts';
import { Slices } from '../../base/slices.ts';
import type { ListedObject, ListedValues } from '../../views/listing.ts';
import { JsonPieces } from './stream.ts';

/** The approximate length of a piece, in characters. */
const PIECE = 64 * 1024;

/** The JSON text of an object's configured values, by the object's version. */
const configuredTexts = new WeakMap<object, string>();

/** A JSON list of the objects of all pages, made while it is sent. */
export function jsonListing(pages: AsyncIterable<readonly ListedObject[]>): JsonPieces {
  return new JsonPieces(pieces(pages));
}

/** Joins the texts of objects into pieces of about PIECE characters, and pauses between slices of work. */
async function* pieces(pages: AsyncIterable<readonly ListedObject[]>): AsyncGenerator<string> {
  const slices = new Slices();
  let prefix = '[';
  let objects: string[] = [];
  let size = 0;
  for await (const page of pages)
    for (const object of page) {
      const text = textOf(object);
      objects.push(text);
      size += text.length;
      if (slices.over) await slices.pause();
      if (size < PIECE) continue;
      yield prefix + objects.join(',');
      prefix = ',';
      objects = [];
      size = 0;
    }
  // After a full piece without anything behind it there is no prefix: a comma must not precede the closing bracket.
  const lastPrefix = objects.length > 0 || prefix === '[' ? prefix : '';
  yield `${lastPrefix}${objects.join(',')}]`;
}

/** One object as JSON. */
function textOf({ version, configured, live }: ListedObject): string {
  let text = configuredTexts.get(version);
  if (text === undefined) {
    text = membersOf(configured());
    configuredTexts.set(version, text);
  }
  const liveText = membersOf(live);
  const separator = text === '' || liveText === '' ? '' : ',';
  return `{${text}${separator}${liveText}}`;
}

/**
 * The members of a JSON object, without the braces. Uses join() instead of `+=`: V8 keeps a concatenated string as a tree of its
 * parts, which every use of it would traverse again.
 */
function membersOf(values: ListedValues): string {
  const members: string[] = [];
  for (const field in values) members.push(`"${field}":${jsonOf(values[field])}`);
  return members.join(',');
}

/** The JSON text of values that are objects, such as parameter sets. */
const sharedTexts = new WeakMap<object, string>();

/** The JSON text of a field's value. Many instances share one object of parameters, so the texts of objects are kept. */
function jsonOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return stringifyJson(value);
  let text = sharedTexts.get(value);
  if (text === undefined) {
    text = stringifyJson(value);
    sharedTexts.set(value, text);
  }
  return text;
}
