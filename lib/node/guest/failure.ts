// The errors of guest agents in Merapi's codes. The agent's own class and words stand in `detail`.
import { MerapiError } from '../../base/errors.ts';

/** The most characters of an agent's text that are repeated. */
const MOST_WORDS = 500;

/**
 * The error for what an agent refused. Agents have two classes: CommandNotFound for commands that they do not have or that their
 * administrator has blocked, and GenericError for everything else.
 * @param hidden texts of the request that must not be repeated, e.g. the arguments of a program
 */
export function agentFailure(
  command: string,
  { class: kind, desc }: { readonly class: string; readonly desc: string },
  hidden: readonly string[] = [],
): MerapiError {
  const words = without(desc, hidden).slice(0, MOST_WORDS);
  const detail = `${kind.slice(0, MOST_WORDS)}: ${words}`;
  if (kind !== 'CommandNotFound')
    return new MerapiError('guest_agent', `The guest agent refused ${command}: ${words}`, { detail });
  if (/frozen/.test(desc))
    return new MerapiError(
      'conflict',
      `The file systems of the guest are frozen, so its agent does not do ${command}`,
      { detail },
    );
  if (/not been found/.test(desc))
    return new MerapiError('unsupported', `The guest agent does not have the command ${command}`, { detail });
  return new MerapiError('forbidden', `The guest does not allow its agent the command ${command}`, {
    detail,
  });
}

/** A text without those of a request, the longest ones first, since a short one may be a part of a long one. */
function without(text: string, hidden: readonly string[]): string {
  const all = [...hidden].filter((each) => each !== '').sort((one, two) => two.length - one.length);
  return all.reduce((left, each) => left.replaceAll(each, '…'), text);
}
