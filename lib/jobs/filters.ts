import { MerapiError } from '../base/errors.ts';
import type { JobFilter } from '../model/filter.ts';
import { put, remove } from '../store/changes.ts';
import type { Build } from '../units/define.ts';
import { ruleOf, shownPredicates } from './rules.ts';

/**
 * What makes a filter, or replaces the one with its uuid. `watermark` is the last job's id when that happens.
 * @throws MerapiError wrong_input when a predicate cannot be understood
 */
export function puttingFilter(filter: Omit<JobFilter, 'watermark'>, watermark: number): Build {
  const made = { ...filter, predicates: shownPredicates(filter.predicates), watermark };
  ruleOf(made);
  return () => [put('filter', made)];
}

/** What removes a filter; it throws not_found. */
export function removingFilter(uuid: string): Build {
  return ({ filters }) => {
    if (!filters.some((filter) => filter.uuid === uuid))
      throw new MerapiError('not_found', `There is no job filter ${uuid}`);
    return [remove('filter', uuid)];
  };
}
