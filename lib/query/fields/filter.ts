import { fieldTable, list, other } from './build.ts';

/** The fields of a job filter. */
export const filterFields = {
  action: other('Action', 'What is done with jobs that it applies to.'),
  predicates: list('Predicates', 'The conditions that a job must meet for it to apply.'),
  priority: other('Priority', 'Filters with smaller numbers are asked first.'),
  reason_trail: list('ReasonTrail', 'Who made it and why.'),
  uuid: other('UUID', 'Its uuid.'),
  watermark: other('Watermark', 'The number of the last job before it was made or replaced.'),
};

/** All fields of a job filter. */
export const filterTable = fieldTable(filterFields);
