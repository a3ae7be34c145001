import type { exportFields } from '../query/fields/export.ts';
import { type ExportRow, NODATA, normal, type Value, type Values } from './define.ts';

const values: Record<keyof typeof exportFields, Value<ExportRow>> = {
  export: ({ instance }) => (instance === null ? NODATA : normal(instance)),
  node: ({ node }) => normal(node),
};

/** The value of every field of an export. */
export const exportValues: Values<ExportRow> = new Map(Object.entries(values));
