import * as z from 'zod';
import type { Json } from '../base/json.ts';

/** What happens to a job that a filter applies to; RATE_LIMIT lets at most this many of them run at a time. */
export const FilterAction = z.union([
  z.enum(['ACCEPT', 'PAUSE', 'REJECT', 'CONTINUE']),
  z.tuple([z.literal('RATE_LIMIT'), z.number().int().positive()]),
]);
export type FilterAction = z.infer<typeof FilterAction>;

/** What a predicate tests: the job's number, each of its opcodes, or each entry of its opcodes' reason trails. */
export const predicateKinds = ['jobid', 'opcode', 'reason'] as const;
export type PredicateKind = (typeof predicateKinds)[number];

/** A condition on a job, in the language of queries. */
export type FilterPredicate = [kind: PredicateKind, condition: Json];

/** A rule for the jobs that have not begun. Where several apply, the first in the order of compareFilters decides. */
export interface JobFilter {
  uuid: string;
  /** The last job's number when the filter was made or replaced; conditions on the job's number may refer to it. */
  watermark: number;
  /** 0 or more; the smaller number comes first. */
  priority: number;
  /** The filter applies to jobs that meet all of them. */
  predicates: readonly FilterPredicate[];
  action: FilterAction;
  /** Who made it and why: [source, reason, nanoseconds since 1970]. */
  reason_trail: readonly Json[];
}

const json: z.ZodType<Json> = z.custom<Json>();

/** The schema of stored filters. */
export const JobFilter: z.ZodType<JobFilter> = z.object({
  uuid: z.string(),
  watermark: z.number().int(),
  priority: z.number().int().min(0),
  predicates: z.array(z.tuple([z.enum(predicateKinds), json])),
  action: FilterAction,
  reason_trail: z.array(json),
});

/** The order in which filters are applied: the first that decides about a job wins. */
export function compareFilters(a: JobFilter, b: JobFilter): number {
  return a.priority - b.priority || a.watermark - b.watermark || (a.uuid < b.uuid ? -1 : 1);
}
