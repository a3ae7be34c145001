import * as z from 'zod';

/** The fields of every object of the cluster. Times are seconds since 1970 with a fraction; serial_no increments with each change. */
export const ObjectBase = z.object({
  uuid: z.string(),
  ctime: z.number(),
  mtime: z.number(),
  serial_no: z.number().int(),
});
export type ObjectBase = z.infer<typeof ObjectBase>;

/** The common fields of a new object; `now` in seconds since 1970. */
export function newObject(uuid: string, now: number): ObjectBase {
  return { uuid, ctime: now, mtime: now, serial_no: 1 };
}

/** A changed copy of an object, with a new modification time (`now`, seconds since 1970) and the next serial number. */
export function changed<T extends ObjectBase>(object: T, patch: Partial<T>, now: number): T {
  return { ...object, ...patch, mtime: now, serial_no: object.serial_no + 1 };
}
