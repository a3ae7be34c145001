// The changes that the queue commits when a job filter is put or removed; what filters mean is in lib/jobs/rules.ts.
import { MerapiError } from '../base/errors.ts';
import type { JobFilter } from '../model/filter.ts';
import { put, remove } from '../store/changes.ts';
import type { Build } from '../units/define.ts';
import { ruleOf, shownPredicates } from './rules.ts';

/**
 * Adds a filter, or replaces the one with its uuid. `watermark` is the number of the last job at this time.
 * @throws MerapiError wrong_input when a predicate cannot be parsed
 */
export function puttingFilter(filter: Omit<JobFilter, 'watermark'>, watermark: number): Build {
  const made = { ...filter, predicates: shownPredicates(filter.predicates), watermark };
  ruleOf(made); // throws when a predicate is wrong
  return () => [put('filter', made)];
}

/** Removes a filter. The returned function throws MerapiError not_found when there is none with this uuid. */
export function removingFilter(uuid: string): Build {
  return ({ filters }) => {
    if (!filters.some((filter) => filter.uuid === uuid))
      throw new MerapiError('not_found', `There is no job filter ${uuid}`);
    return [remove('filter', uuid)];
  };
}
