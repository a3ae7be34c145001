/** The kinds of values that fields have, Ganeti's names. */
export const fieldKinds = [
  'unknown',
  'text',
  'bool',
  'number',
  'float',
  'unit',
  'timestamp',
  'other',
] as const;
export type FieldKind = (typeof fieldKinds)[number];

/** A field of a resource, as the query language shows it. */
export interface Field {
  readonly title: string;
  readonly kind: FieldKind;
  readonly doc: string;
}

/** What stands beside every value in an answer. */
export const ResultStatus = {
  /** The value is there. */
  NORMAL: 0,
  /** There is no such field. */
  UNKNOWN: 1,
  /** The node that knows did not answer. */
  NODATA: 2,
  /** The object has no such value. */
  UNAVAIL: 3,
  /** The node that knows is marked offline. */
  OFFLINE: 4,
} as const;
export type ResultStatusCode = (typeof ResultStatus)[keyof typeof ResultStatus];

/** One value of an answer with its status; null unless the status is NORMAL. */
export type Cell = [status: ResultStatusCode, value: unknown];

/** A field as answers list it. */
export interface FieldInfo extends Field {
  readonly name: string;
}

export interface QueryFieldsAnswer {
  fields: FieldInfo[];
}

export interface QueryAnswer extends QueryFieldsAnswer {
  data: Cell[][];
}
