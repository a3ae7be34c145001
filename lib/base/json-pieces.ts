import { stringifyJson } from './json.ts';
import { Slices } from './slices.ts';

/** About how long a piece of a long text is, in characters. */
const PIECE = 64 * 1024;

/** Up to how many values a part of a large value is written at once. */
const PART = 1000;

/** Whether a value has so many parts, or so long texts, that it is better written in pieces. */
export function isLarge(value: unknown): boolean {
  return typeof value === 'object' && value !== null && remaining(value, PART) < 0;
}

/** What is left of a number of values when those of this one are taken away; less than nothing if it has more. */
function remaining(value: unknown, count: number): number {
  if (typeof value === 'string') return count - 1 - (value.length >> 6);
  if (typeof value !== 'object' || value === null) return count - 1;
  let left = count - 1;
  if (Array.isArray(value)) {
    if (value.length > left) return -1;
    for (const item of value) {
      left = remaining(item, left);
      if (left < 0) return left;
    }
    return left;
  }
  for (const key in value) {
    left = remaining((value as Record<string, unknown>)[key], left);
    if (left < 0) return left;
  }
  return left;
}

/** What stringifyJson() gives, in pieces that are made in slices. */
export async function* stringifyInSlices(value: unknown): AsyncGenerator<string> {
  const slices = new Slices();
  let piece = '';
  for (const part of partsOf(value)) {
    piece += part;
    if (piece.length >= PIECE) {
      yield piece;
      piece = '';
    }
    if (slices.over) await slices.pause();
  }
  if (piece !== '') yield piece;
}

/** What stringifyJson() gives, in parts of not too many values. */
function* partsOf(value: unknown): Generator<string> {
  if (!isLarge(value) || typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    yield stringifyJson(value);
  } else if (Array.isArray(value)) {
    let before = '[';
    for (const item of value) {
      yield before;
      yield* partsOf(item);
      before = ',';
    }
    yield ']';
  } else {
    let before = '{';
    for (const [key, item] of Object.entries(value as object)) {
      if (item === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* partsOf(item);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  }
}
