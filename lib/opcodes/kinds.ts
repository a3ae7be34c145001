import { z } from 'zod';
import { diskTemplates } from '../model/diskparams/index.ts';
import type { Kind } from '../model/params.ts';

/** Disk parameters by disk template. */
export const diskParamsKind: Kind<z.ZodType<Record<string, Record<string, unknown>>>> = {
  type: `Dictionary with keys of (OneOf ${diskTemplates.join(', ')}) and values of (Dictionary with keys of Anything and values of Anything)`,
  schema: z.partialRecord(z.enum(diskTemplates), z.record(z.string(), z.unknown())) as never,
};

/** The disks of an instance as a request describes them. */
export const disksKind: Kind<z.ZodType<Record<string, string | number>[]>> = {
  type: 'List of (Dictionary with keys of NonEmptyString and values of (NonEmptyString or Integer) [Disk parameters])',
  schema: z.array(z.record(z.string().min(1), z.union([z.string().min(1), z.number().int()]))),
};

const nicKeys = ['bridge', 'ip', 'link', 'mac', 'mode', 'name', 'network', 'vlan'] as const;

/** The NICs of an instance as a request describes them. */
export const nicsKind: Kind<z.ZodType<{ [K in (typeof nicKeys)[number]]?: string | null }[]>> = {
  type: `List of (Dictionary with keys of (OneOf ${nicKeys.join(', ')}) and values of (None or String) [NIC parameters])`,
  schema: z.array(z.partialRecord(z.enum(nicKeys), z.string().nullable())) as never,
};
