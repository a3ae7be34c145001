/** The kinds of values that fields have, Ganeti's names. */
export type FieldKind = 'unknown' | 'text' | 'bool' | 'number' | 'float' | 'unit' | 'timestamp' | 'other';

/**
 * How filters compare the values of a field whose kind does not say it: a `host` name may be abbreviated and has no letter case, a
 * `time` is a number of seconds since 1970, a `list` can only be searched.
 */
export type Matching = 'host' | 'time' | 'list';

/** A field of a resource. */
export interface Field {
  readonly title: string;
  readonly kind: FieldKind;
  /** One sentence for people. */
  readonly doc: string;
  readonly matching?: Matching;
  /** What someone must be allowed to do to see it, where that is more than for other fields. */
  readonly access?: 'read';
  /** Whether its value comes from the facts that nodes tell: then it changes while the cluster's objects stay as they are. */
  readonly live?: true;
}

/** The fields of a resource by name, in the order in which they are listed. */
export type FieldTable = ReadonlyMap<string, Field>;

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
type ResultStatusCode = (typeof ResultStatus)[keyof typeof ResultStatus];

/** One value of an answer with its status; null unless the status is NORMAL. */
export type Cell = readonly [status: ResultStatusCode, value: unknown];

/** A field as answers list it. */
interface FieldInfo {
  name: string;
  title: string;
  kind: FieldKind;
  doc: string;
}

export interface QueryFieldsAnswer {
  fields: FieldInfo[];
}

export interface QueryAnswer extends QueryFieldsAnswer {
  data: Cell[][];
}

/** An answer whose rows are made while they are read, in slices that let everything else in between. */
export interface QueryRows extends QueryFieldsAnswer {
  rows: AsyncIterable<readonly Cell[]>;
}
