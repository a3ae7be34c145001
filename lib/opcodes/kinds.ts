// Kinds of values that several opcodes share. `type` is Ganeti's notation and is pinned by test/contract/opcodes.json.
import * as z from 'zod';
import { parseSize } from '../model/enforce.ts';
import type { Kind } from '../model/params.ts';
import { diskTemplates } from '../model/templates/index.ts';

/** Disk parameters by disk template. */
export const diskParamsKind: Kind<z.ZodType<Record<string, Record<string, unknown>>>> = {
  type: `Dictionary with keys of (OneOf ${diskTemplates.join(', ')}) and values of (Dictionary with keys of Anything and values of Anything)`,
  schema: z.partialRecord(z.enum(diskTemplates), z.record(z.string(), z.unknown())) as never,
  words: `an object with an object of parameters for each disk template (${diskTemplates.join(', ')})`,
  example: { drbd: { 'resync-rate': 1024 } },
};

/** A size in MiB, or a text with a unit. */
function isSize(value: unknown): boolean {
  try {
    parseSize(value);
    return true;
  } catch {
    return false;
  }
}

/** A size of a disk, also a negative one: as in Ganeti, that is refused only when the job runs. */
const isDiskSize = (value: unknown) =>
  isSize(typeof value === 'number' ? Math.abs(value) : String(value).replace(/^\s*-/, ''));

const disk = z
  .record(z.string().min(1), z.union([z.string().min(1), z.number().int()]))
  .refine((values) => values.size === undefined || isDiskSize(values.size), {
    path: ['size'],
    error: 'a size in MiB, or a text such as "20G"',
  })
  .refine((values) => values.mode === undefined || values.mode === 'rw' || values.mode === 'ro', {
    path: ['mode'],
    error: 'rw or ro',
  });

/** The parameters of one disk in a request. */
export const diskKind: Kind<z.ZodType<Record<string, string | number>>> = {
  type: 'Dictionary with keys of NonEmptyString and values of (NonEmptyString or Integer) [Disk parameters]',
  schema: disk,
  words: 'an object with the parameters of a disk',
  example: { size: 1024 },
};

/** The disks of an instance as a request describes them. */
export const disksKind: Kind<z.ZodType<Record<string, string | number>[]>> = {
  type: `List of (${diskKind.type})`,
  schema: z.array(disk),
  words: 'a list of objects with the parameters of a disk each',
  example: [{ size: 1024 }],
};

const nicKeys = ['bridge', 'ip', 'link', 'mac', 'mode', 'name', 'network', 'vlan'] as const;

/** One NIC as a request describes it. */
export const nicParamsKind: Kind<z.ZodType<{ [K in (typeof nicKeys)[number]]?: string | null }>> = {
  type: `Dictionary with keys of (OneOf ${nicKeys.join(', ')}) and values of (None or String) [NIC parameters]`,
  schema: z.partialRecord(z.enum(nicKeys), z.string().nullable()) as never,
  words: `an object with the parameters of a NIC (${nicKeys.join(', ')})`,
  example: { mac: 'auto' },
};

/** The NICs of an instance as a request describes them. */
export const nicsKind: Kind<z.ZodType<{ [K in (typeof nicKeys)[number]]?: string | null }[]>> = {
  type: `List of (${nicParamsKind.type})`,
  schema: z.array(nicParamsKind.schema) as never,
  words: `a list of objects with the parameters of a NIC each (${nicKeys.join(', ')})`,
  example: [{ mac: 'auto' }],
};

/** How many disks an instance may have. */
const MAX_DISKS = 16;

/** The number of a disk of an instance. */
export const diskIndexKind: Kind<z.ZodNumber> = {
  type: 'EqualOrGreaterThanZero and (Less than 16)',
  schema: z
    .number()
    .int()
    .min(0)
    .max(MAX_DISKS - 1),
};

/** An amount of space in MiB, or a text with a unit such as "20G". */
export const amountKind: Kind<z.ZodType<number | string>> = {
  type: 'EqualOrGreaterThanZero',
  words: 'a size in MiB, or a text with a unit such as "20G"',
  example: '20G',
  // A text without a unit is refused: it is a number of the wrong type.
  schema: z.union([
    z.number().int().min(0),
    z.string().refine((text) => /[a-z]/i.test(text) && isSize(text), 'a text with a unit such as "20G"'),
  ]),
};

/** The result of an opcode that submits jobs: for each whether it was submitted, and its id (or the error). */
export const jobsResult = z.array(z.tuple([z.boolean(), z.union([z.number(), z.string()])]));

/** The result of an opcode that changes parameters: each changed one with its new value. */
export const changesResult = z.array(z.tuple([z.string(), z.unknown()]));
