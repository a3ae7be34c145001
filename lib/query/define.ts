// The types of queries: which fields a resource has, and the form of answers. Kinds, statuses and field names are Ganeti's. The values
// of the fields are in lib/views.
/** The kinds of values of fields, with Ganeti's names. */
export type FieldKind = 'unknown' | 'text' | 'bool' | 'number' | 'float' | 'unit' | 'timestamp' | 'other';

/**
 * How filters compare a field, where its kind does not imply it: a `host` name may be abbreviated to its first labels and is compared
 * case-insensitively, a `time` is a number of seconds since 1970, a `list` can only be searched for a value.
 */
export type Matching = 'host' | 'time' | 'list';

/** A field of a resource. */
export interface Field {
  /** Ganeti's title for the head of a column. */
  readonly title: string;
  readonly kind: FieldKind;
  /** One sentence that describes it. */
  readonly doc: string;
  readonly matching?: Matching;
  /** The right that seeing it in listings and descriptions needs, if it is more than `look`. */
  readonly access?: 'read';
  /** Whether its value comes from facts that nodes report, so that it changes without a change of the cluster's objects. */
  readonly live?: true;
  /** Whether it is Merapi's own: then it is not in the list of all fields, which clients compare with Ganeti's; it can be named. */
  readonly own?: true;
}

/** The fields of a resource by name, in the order in which they are listed. */
export type FieldTable = ReadonlyMap<string, Field>;

/** The status of each value in an answer, with Ganeti's numbers. */
export const ResultStatus = {
  /** The value is there. */
  NORMAL: 0,
  /** There is no such field. */
  UNKNOWN: 1,
  /** The node that has the value did not answer. */
  NODATA: 2,
  /** The object has no such value. */
  UNAVAIL: 3,
  /** The node that has the value is marked offline. */
  OFFLINE: 4,
} as const;
type ResultStatusCode = (typeof ResultStatus)[keyof typeof ResultStatus];

/** One value of an answer with its status; null unless the status is NORMAL. */
export type Cell = readonly [status: ResultStatusCode, value: unknown];

/** The description of a field in an answer. */
interface FieldInfo {
  name: string;
  title: string;
  kind: FieldKind;
  doc: string;
}

/** The answer to a query for fields. */
export interface QueryFieldsAnswer {
  fields: FieldInfo[];
}

/** The answer to a query: the fields, and a row of cells in their order for each object. */
export interface QueryAnswer extends QueryFieldsAnswer {
  data: Cell[][];
}

/** Like QueryAnswer, but the rows are made while they are read, in slices between which other work gets its turn. */
export interface QueryRows extends QueryFieldsAnswer {
  rows: AsyncIterable<readonly Cell[]>;
}
