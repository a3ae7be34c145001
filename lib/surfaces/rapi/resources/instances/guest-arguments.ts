import { MerapiError } from '../../../../base/errors.ts';
import type { Argument, Call } from '../../resource.ts';

/** The most seconds that a request for an answer of an agent may take. */
export const LONGEST_TIMEOUT = 600;
export const timeoutArgument: Argument = {
  kind: 'text',
  doc: `How many seconds the agent has for its answer, from 1 to ${LONGEST_TIMEOUT}; by default the time limit of the command.`,
};

/** A whole number in the query string; null when it is not given. @throws MerapiError wrong_input */
export function numberArgument({ query }: Call, name: string, least: number, most: number): number | null {
  const text = query.text(name);
  if (text === null) return null;
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= least && value <= most) return value;
  throw new MerapiError(
    'wrong_input',
    `Argument '${name}' must be a whole number from ${least} to ${most}, not '${text}'`,
  );
}

/** The time limit of a request in milliseconds; null for that of the command. */
export function timeoutOf(call: Call): number | null {
  const seconds = numberArgument(call, 'timeout', 1, LONGEST_TIMEOUT);
  return seconds === null ? null : seconds * 1000;
}
