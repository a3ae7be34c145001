import { MerapiError } from '../base/errors.ts';
import { shown } from '../base/schema-words.ts';

/** The kinds of objects that have tags. */
export const tagKinds = ['cluster', 'node', 'network', 'instance', 'nodegroup'] as const;
export type TagKind = (typeof tagKinds)[number];

/** Ganeti's limits. */
export const MAX_TAG_LENGTH = 128;
export const MAX_TAGS_PER_OBJECT = 4096;
/** The longest list of all tags of an object, joined by spaces: less than half of the 128 KiB that Linux allows in one argument or variable. */
export const MAX_TAGS_LENGTH = 60_000;

/**
 * Checks one tag: letters, digits, any of `. + * : @ _ -` and the slash, at most 128 characters.
 * @throws MerapiError invalid_tag
 */
export function checkTag(tag: string): void {
  if (tag === '') throw new MerapiError('invalid_tag', 'A tag may not be empty');
  if (tag.length > MAX_TAG_LENGTH)
    throw new MerapiError(
      'invalid_tag',
      `The tag has ${tag.length} characters; at most ${MAX_TAG_LENGTH} are allowed`,
    );
  if (!/^[\w.+*/:@-]+$/.test(tag))
    throw new MerapiError(
      'invalid_tag',
      `Tag ${shown(tag)} has a character that is neither letter, digit nor one of .+*/:@_-; use e.g. customer:42`,
    );
}
