import { fieldTable, list, other } from './build.ts';

/** The fields of a job filter. */
export const filterFields = {
  action: other('Action', 'What happens to jobs that match it.'),
  predicates: list('Predicates', 'The conditions, all of which a job must meet to match it.'),
  priority: other('Priority', 'Filters with smaller numbers are evaluated first.'),
  reason_trail: list('ReasonTrail', 'Who created it and why.'),
  uuid: other('UUID', 'Its uuid.'),
  watermark: other('Watermark', 'The id of the last job before it was created or replaced.'),
};

/** All fields of a job filter. */
export const filterTable = fieldTable(filterFields);
