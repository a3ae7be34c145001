// Listings of thousands of objects as JSON. The text of an object's configured values is made once and kept until the object changes;
// only the live values, which nodes report, are converted at each request.
import { stringifyJson } from '../../base/json.ts';
import { Slices } from '../../base/slices.ts';
import type { ListedObject, ListedPage } from '../../views/listing.ts';
import { JsonPieces } from './stream.ts';

/** The approximate length of a piece, in characters. */
const PIECE = 64 * 1024;

/** A JSON list of the objects of all pages, made while it is sent. */
export function jsonListing(pages: AsyncIterable<ListedPage>): JsonPieces {
  return new JsonPieces(pieces(pages));
}

/** Joins the texts of objects into pieces of about PIECE characters, and pauses between slices of work. */
async function* pieces(pages: AsyncIterable<ListedPage>): AsyncGenerator<string> {
  const slices = new Slices();
  let prefix = '[';
  let objects: string[] = [];
  let size = 0;
  for await (const page of pages)
    for (const object of page.objects) {
      const text = textOf(object, page);
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

/** One object as JSON. The text of its configured values is kept in the version of the object. */
function textOf(object: ListedObject, { configured, live }: ListedPage): string {
  const { version } = object;
  if (typeof version.derived !== 'string') version.derived = membersOf(object, configured);
  const text = version.derived as string;
  const liveText = membersOf(object, live);
  const separator = text === '' || liveText === '' ? '' : ',';
  return `{${text}${separator}${liveText}}`;
}

/**
 * Fields as members of a JSON object, without the braces. Uses join() instead of `+=`: V8 keeps a concatenated string as a tree of its
 * parts, which every use of it would traverse again.
 */
function membersOf(object: ListedObject, fields: readonly string[]): string {
  return fields.map((field) => `"${field}":${jsonOf(object.valueOf(field))}`).join(',');
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
