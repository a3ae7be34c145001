import type { JobFilter } from '../model/filter.ts';
import type { filterFields } from '../query/fields/filter.ts';
import { type FieldReader, type FieldReaders, normal } from './define.ts';

const values: Record<keyof typeof filterFields, FieldReader<JobFilter>> = {
  action: ({ action }) => normal(action),
  predicates: ({ predicates }) => normal(predicates),
  priority: ({ priority }) => normal(priority),
  reason_trail: ({ reason_trail }) => normal(reason_trail),
  uuid: ({ uuid }) => normal(uuid),
  watermark: ({ watermark }) => normal(watermark),
};

/** The readers of all fields of a job filter. */
export const filterValues: FieldReaders<JobFilter> = new Map(Object.entries(values));
