import * as z from 'zod';
import type { Kind } from '../model/params.ts';
import { type StorageType, storageTypes } from '../model/storage.ts';

/** A storage type. */
export const storageTypeKind: Kind<z.ZodType<StorageType>> = {
  type: `OneOf ${storageTypes.join(', ')}`,
  schema: z.enum(storageTypes),
};
