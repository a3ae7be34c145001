// Writes large values as JSON in pieces, with pauses in between, so that one large answer does not block the thread.

import { stringifyJson } from './json.ts';
import { Slices } from './slices.ts';

/** The approximate length of a piece, in characters. */
const PIECE = 64 * 1024;

/** A value with at most so many values in it is written at once. Long strings count as several. */
const PART = 1000;

/** Whether a value is so large that it should be written in pieces. */
export function isLarge(value: unknown): boolean {
  return typeof value === 'object' && value !== null && remaining(value, PART) < 0;
}

/** Subtracts the number of values in `value` from `count`. Stops early, with a negative result, when there are more than that. */
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

/** The text that stringifyJson() returns, in pieces; pauses between slices of work. */
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

/** The text that stringifyJson() returns, split so that each part has at most PART values. */
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
