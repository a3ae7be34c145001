import type { EndState } from '../state.ts';

/** Something that should not be so. */
export interface Finding {
  text: string;
  /** Names and uuids that the jobs that touched it mention. */
  subjects: readonly string[];
  /** The jobs that it is about, where these are known. */
  jobs?: readonly number[];
  /**
   * Whether a job that told in its log what it could not take back explains it; the names are of opcodes that explain it when
   * they failed, for they cannot be taken back once they have begun.
   */
  excuse?: { failed: readonly string[] };
  /** When what it is about came to be, in seconds since 1970: no earlier job explains it. */
  since?: number;
  /** Whether a failed job that ran at that time may have made it, though it does not mention it. */
  isNameless?: boolean;
}

/** One thing that must be true at the end: what contradicts it. */
export interface Check {
  name: string;
  find(state: EndState): Finding[];
}

/** What stands more than once in a list. */
export function repeated<T>(list: readonly T[]): T[] {
  const seen = new Set<T>();
  const twice = new Set<T>();
  for (const item of list) {
    if (seen.has(item)) twice.add(item);
    seen.add(item);
  }
  return [...twice];
}

/** Whether two values are the same JSON. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
