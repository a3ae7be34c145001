import * as z from 'zod';

/** What every object of the cluster has. Times are seconds since 1970 with a fraction; serial_no grows with each change. */
export const ObjectBase = z.object({
  uuid: z.string(),
  ctime: z.number(),
  mtime: z.number(),
  serial_no: z.number().int(),
});
export type ObjectBase = z.infer<typeof ObjectBase>;

/** The head of a new object. */
export function newObject(uuid: string, now: number): ObjectBase {
  return { uuid, ctime: now, mtime: now, serial_no: 1 };
}

/** A changed copy of an object, with its modification time and serial number moved on. */
export function changed<T extends ObjectBase>(object: T, patch: Partial<T>, now: number): T {
  return { ...object, ...patch, mtime: now, serial_no: object.serial_no + 1 };
}
