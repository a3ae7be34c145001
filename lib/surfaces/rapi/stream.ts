import { stringifyJson } from '../../base/json.ts';
import { Slices } from '../../base/slices.ts';

/** How many values of a long list are written at once. */
const BATCH = 100;

/** An answer that is a JSON text in pieces, made while it is sent. */
export class JsonPieces {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** The texts of answers that were asked for before. */
const texts = new WeakMap<object, string>();

/** An answer that is a JSON text already. */
export class JsonText {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** The text of a value that never changes: it is made once, however often it is asked for. */
  static of(value: Readonly<Record<string, unknown>>): JsonText {
    let text = texts.get(value);
    if (text === undefined) {
      text = stringifyJson(value);
      texts.set(value, text);
    }
    return new JsonText(text);
  }
}

/** An answer of Server-Sent Events that goes on until the client leaves. */
export class EventStream {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** A JSON list of values that are JSON texts already; each piece holds some of them, with commas between. */
export function jsonList(pieces: AsyncIterable<string>): JsonPieces {
  return new JsonPieces(list(pieces));
}

async function* list(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let before = '[';
  for await (const piece of pieces) {
    yield before + piece;
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** A JSON object whose last member is a long list. */
export function jsonObject(
  head: Readonly<Record<string, unknown>>,
  member: string,
  values: readonly unknown[],
): JsonPieces {
  return new JsonPieces(object(head, member, values));
}

async function* object(
  head: Readonly<Record<string, unknown>>,
  member: string,
  values: readonly unknown[],
): AsyncGenerator<string> {
  yield '{';
  for (const [name, value] of Object.entries(head)) yield `${JSON.stringify(name)}:${stringifyJson(value)},`;
  yield `${JSON.stringify(member)}:`;
  yield* list(batches(values));
  yield '}';
}

async function* batches(values: readonly unknown[]): AsyncGenerator<string> {
  const slices = new Slices();
  for (let at = 0; at < values.length; at += BATCH) {
    yield stringifyJson(values.slice(at, at + BATCH)).slice(1, -1);
    if (slices.over) await slices.pause();
  }
}
