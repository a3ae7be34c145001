// Listings of thousands of objects as JSON: what the cluster's objects decide of one is written once, however often it is asked for.
import { stringifyJson } from '../../base/json.ts';
import { Slices } from '../../base/slices.ts';
import type { ListedObject, ListedValues } from '../../views/listing.ts';
import { JsonPieces } from './stream.ts';

/** About how long a piece is, in characters. */
const PIECE = 64 * 1024;

/** The members of an object that no node tells, by its version. */
const texts = new WeakMap<object, string>();

/** A JSON list of objects, made while it is sent. */
export function jsonListing(pages: AsyncIterable<readonly ListedObject[]>): JsonPieces {
  return new JsonPieces(pieces(pages));
}

async function* pieces(pages: AsyncIterable<readonly ListedObject[]>): AsyncGenerator<string> {
  const slices = new Slices();
  let before = '[';
  let objects: string[] = [];
  let size = 0;
  for await (const page of pages)
    for (const object of page) {
      const text = textOf(object);
      objects.push(text);
      size += text.length;
      if (slices.over) await slices.pause();
      if (size < PIECE) continue;
      yield before + objects.join(',');
      before = ',';
      objects = [];
      size = 0;
    }
  yield `${objects.length > 0 || before === '[' ? before : ''}${objects.join(',')}]`;
}

function textOf({ version, still, live }: ListedObject): string {
  let text = texts.get(version);
  if (text === undefined) {
    text = membersOf(still());
    texts.set(version, text);
  }
  const more = membersOf(live);
  return `{${text}${text === '' || more === '' ? '' : ','}${more}}`;
}

/** Joined, not added up: a text that was added up stays a tree of its parts, which each use of it walks through again. */
function membersOf(values: ListedValues): string {
  const members: string[] = [];
  for (const field in values) members.push(`"${field}":${jsonOf(values[field])}`);
  return members.join(',');
}

const sharedTexts = new WeakMap<object, string>();

/** The JSON of a value of a field. Parameter sets are shared by many instances, so their texts are kept. */
function jsonOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return stringifyJson(value);
  let text = sharedTexts.get(value);
  if (text === undefined) {
    text = stringifyJson(value);
    sharedTexts.set(value, text);
  }
  return text;
}
