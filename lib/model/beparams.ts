import * as z from 'zod';
import type { ParamKinds } from './enforce.ts';

/** The complete backend parameters of an instance, with the cluster's defaults filled in; memory in MiB. */
export const BeParams = z.object({
  minmem: z.number().int(),
  maxmem: z.number().int(),
  vcpus: z.number().int(),
  auto_balance: z.boolean(),
  always_failover: z.boolean(),
  spindle_use: z.number().int(),
});
export type BeParams = z.infer<typeof BeParams>;

/** Kinds of the backend parameters. The old name `memory`, which sets minmem and maxmem, is resolved before (ownBeParams()). */
export const beParamKinds: ParamKinds = {
  always_failover: 'bool',
  auto_balance: 'bool',
  maxmem: 'size',
  minmem: 'size',
  spindle_use: 'int',
  vcpus: 'int',
};

/** Ganeti's defaults. */
export const beParamDefaults: BeParams = {
  minmem: 128,
  maxmem: 128,
  vcpus: 1,
  auto_balance: true,
  always_failover: false,
  spindle_use: 1,
};
