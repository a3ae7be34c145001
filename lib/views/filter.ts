import type { JobFilter } from '../model/filter.ts';
import type { filterFields } from '../query/fields/filter.ts';
import { normal, type Value, type Values } from './define.ts';

const values: Record<keyof typeof filterFields, Value<JobFilter>> = {
  action: ({ action }) => normal(action),
  predicates: ({ predicates }) => normal(predicates),
  priority: ({ priority }) => normal(priority),
  reason_trail: ({ reason_trail }) => normal(reason_trail),
  uuid: ({ uuid }) => normal(uuid),
  watermark: ({ watermark }) => normal(watermark),
};

/** The value of every field of a job filter. */
export const filterValues: Values<JobFilter> = new Map(Object.entries(values));
