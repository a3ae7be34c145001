import { MerapiError } from '../base/errors.ts';
import { type CharTest, wordChar } from './charsets.ts';
import { type Pattern, type Place, parsePattern } from './pattern.ts';

/** How long a regular expression may be, in characters. */
export const MAX_PATTERN_LENGTH = 256;
/** How many steps one may have once its counted repetitions are written out. */
const MAX_STEPS = 400;

type Step =
  | { op: 'char'; test: CharTest }
  | { op: 'place'; place: Place }
  | { op: 'fork'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { op: 'found' };

const NEWLINE = 10;

/** Writes a pattern as a list of steps. */
class Compiler {
  readonly steps: Step[] = [];

  #add(step: Step): number {
    if (this.steps.length >= MAX_STEPS)
      throw new MerapiError(
        'bad_request',
        'The regular expression repeats too much; use * or + instead of large counts',
      );
    return this.steps.push(step) - 1;
  }

  compile(pattern: Pattern): readonly Step[] {
    this.#write(pattern);
    this.#add({ op: 'found' });
    return this.steps;
  }

  #write(pattern: Pattern): void {
    switch (pattern.kind) {
      case 'char':
        this.#add({ op: 'char', test: pattern.test });
        break;
      case 'place':
        this.#add({ op: 'place', place: pattern.place });
        break;
      case 'sequence':
        for (const part of pattern.parts) this.#write(part);
        break;
      case 'choice':
        this.#writeChoice(pattern.parts);
        break;
      case 'repeat':
        this.#writeRepeat(pattern);
        break;
    }
  }

  #writeChoice(parts: readonly Pattern[]): void {
    const ends: { op: 'jump'; to: number }[] = [];
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) {
        this.#write(part);
        break;
      }
      const fork = { op: 'fork' as const, first: this.steps.length + 1, second: 0 };
      this.#add(fork);
      this.#write(part);
      const end = { op: 'jump' as const, to: 0 };
      this.#add(end);
      ends.push(end);
      fork.second = this.steps.length;
    }
    for (const end of ends) end.to = this.steps.length;
  }

  #writeRepeat({ part, min, max }: Extract<Pattern, { kind: 'repeat' }>): void {
    for (let count = 0; count < min; count++) {
      const before = this.steps.length;
      this.#write(part);
      // Repeating nothing stays nothing, however large the count.
      if (this.steps.length === before) return;
    }
    if (max === Number.POSITIVE_INFINITY) {
      const fork = { op: 'fork' as const, first: this.steps.length + 1, second: 0 };
      const start = this.#add(fork);
      this.#write(part);
      this.#add({ op: 'jump', to: start });
      fork.second = this.steps.length;
      return;
    }
    const forks: { second: number }[] = [];
    for (let count = min; count < max; count++) {
      const fork = { op: 'fork' as const, first: this.steps.length + 1, second: 0 };
      this.#add(fork);
      forks.push(fork);
      this.#write(part);
    }
    for (const fork of forks) fork.second = this.steps.length;
  }
}

function holds(place: Place, chars: readonly number[], at: number): boolean {
  const before = chars[at - 1];
  const after = chars[at];
  const boundary = () =>
    (before !== undefined && wordChar(before)) !== (after !== undefined && wordChar(after));
  switch (place) {
    case 'start':
      return at === 0;
    case 'end':
      return at === chars.length;
    case 'last':
      return at === chars.length || (at === chars.length - 1 && after === NEWLINE);
    case 'line-start':
      return at === 0 || before === NEWLINE;
    case 'line-end':
      return at === chars.length || after === NEWLINE;
    case 'word':
      return boundary();
    case 'not-word':
      return !boundary();
  }
}

/**
 * Compiles a regular expression into a function that tells whether it matches anywhere in a text. All ways to match are
 * followed at once, so the time is at most the length of the text times the number of steps, whatever the expression.
 * @throws MerapiError bad_request when it is wrong or too long.
 */
export function compilePattern(text: string): (value: string) => boolean {
  if (text.length > MAX_PATTERN_LENGTH)
    throw new MerapiError(
      'bad_request',
      `The regular expression has ${text.length} characters; at most ${MAX_PATTERN_LENGTH} are allowed`,
    );
  const steps = new Compiler().compile(parsePattern(text));
  const anchored = steps[0]?.op === 'place' && steps[0].place === 'start';
  /** The round in which a step was last reached, so that none is followed twice in one round. */
  const reached = new Int32Array(steps.length);
  let round = 0;
  let current: number[] = [];
  let found = false;

  const follow = (index: number, chars: readonly number[], at: number): void => {
    if (reached[index] === round) return;
    reached[index] = round;
    const step = steps[index] as Step;
    if (step.op === 'found') found = true;
    else if (step.op === 'char') current.push(index);
    else if (step.op === 'jump') follow(step.to, chars, at);
    else if (step.op === 'fork') {
      follow(step.first, chars, at);
      follow(step.second, chars, at);
    } else if (holds(step.place, chars, at)) follow(index + 1, chars, at);
  };

  return (value) => {
    const chars = Array.from(value, (char) => char.codePointAt(0) as number);
    reached.fill(-1);
    round = 0;
    current = [];
    found = false;
    follow(0, chars, 0);
    for (let at = 0; !found && at < chars.length; at++) {
      const waiting = current;
      if (anchored && waiting.length === 0) return false;
      current = [];
      round += 1;
      const char = chars[at] as number;
      for (const index of waiting) {
        const step = steps[index] as Step;
        if (step.op === 'char' && step.test(char)) follow(index + 1, chars, at + 1);
      }
      if (!anchored) follow(0, chars, at + 1);
    }
    return found;
  };
}
