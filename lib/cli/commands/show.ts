// How commands print values: tables, outlines, times and sizes.

import { stringifyJson } from '../../base/json.ts';
import { type Cell, type FieldKind, type QueryAnswer, ResultStatus } from '../../query/define.ts';

/** What a table shows for a field without a value, by its status. */
const missing: Readonly<Record<number, string>> = {
  [ResultStatus.UNKNOWN]: '?',
  [ResultStatus.NODATA]: '(no data)',
  [ResultStatus.UNAVAIL]: '-',
  [ResultStatus.OFFLINE]: '(offline)',
};

/** A size in MiB as a short text, e.g. 128M or 1.0G. */
function sizeText(mebibytes: number): string {
  if (Math.abs(mebibytes) < 1024) return `${mebibytes}M`;
  const gibibytes = mebibytes / 1024;
  return gibibytes < 1024 ? `${gibibytes.toFixed(1)}G` : `${(gibibytes / 1024).toFixed(1)}T`;
}

/** A value as text, by the kind of its field. */
function valueText(kind: FieldKind, value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (kind === 'unit' && typeof value === 'number') return sizeText(value);
  if (kind === 'bool') return value ? 'yes' : 'no';
  if (kind === 'timestamp' && typeof value === 'number') return localTime(value);
  if (kind === 'timestamp' && isSplitTime(value)) return localTime(value[0] + value[1] / 1e6);
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(',') || '-';
  return typeof value === 'object' ? stringifyJson(value) : String(value);
}

/** A time in seconds since 1970 in local time with its offset from UTC: 2026-11-30 14:05:09 +0100. */
export function localTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString();
  const two = (number: number) => String(number).padStart(2, '0');
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone}`;
}

/** Whether a value is a time in the form of jobs: [seconds, microseconds]. */
const isSplitTime = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number');

/** Names of members that are times: seconds, or [seconds, microseconds]. */
const TIMES = /^(ctime|mtime|bootid_ts|\w+_ts)$/;

const isNumber = (kind: FieldKind) => kind === 'number' || kind === 'unit' || kind === 'float';

/** The answer of a query as a table; numbers are aligned to the right. */
export function tableText({ fields, data }: QueryAnswer, titles: boolean): string {
  const kinds = fields.map(({ name, kind }) => (TIMES.test(name) ? 'timestamp' : kind));
  const textOf = ([status, value]: Cell, column: number) =>
    status === ResultStatus.NORMAL ? valueText(kinds[column] ?? 'other', value) : (missing[status] ?? '?');
  const rows = [
    ...(titles ? [fields.map((field) => field.title)] : []),
    ...data.map((cells) => cells.map(textOf)),
  ];
  const widths = fields.map((_, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  const lineOf = (row: readonly string[]) =>
    row
      .map((text, column) =>
        isNumber(kinds[column] ?? 'other')
          ? text.padStart(widths[column] ?? 0)
          : text.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${lineOf(row)}\n`).join('');
}

/** The answer of a query as a list of objects, for JSON. Fields without a value are null. */
export function objectsOf({ fields, data }: QueryAnswer): Record<string, unknown>[] {
  return data.map((cells) =>
    Object.fromEntries(
      fields.map(({ name }, column) => [
        name,
        cells[column]?.[0] === ResultStatus.NORMAL ? cells[column][1] : null,
      ]),
    ),
  );
}

/** A value as indented text: one line for each member, nested members below it. */
export function outline(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return `${indent}${valueText('other', value)}\n`;
  return Object.entries(value)
    .map(([name, member]) => {
      const head = Array.isArray(value) ? '-' : `${name}:`;
      const isEmpty = typeof member === 'object' && member !== null && Object.keys(member).length === 0;
      const isScalar = typeof member !== 'object' || member === null;
      const isFlatList = Array.isArray(member) && member.every((item) => typeof item !== 'object');
      if (!isScalar && !isEmpty && !isFlatList) return `${indent}${head}\n${outline(member, `${indent}  `)}`;
      return `${indent}${head} ${valueText(TIMES.test(name) ? 'timestamp' : 'other', member)}\n`;
    })
    .join('');
}

/** Writes a value to standard output: as JSON, or else as `text` formats it. */
export function print(value: unknown, asJson: boolean | undefined, text: () => string): void {
  process.stdout.write(asJson ? `${stringifyJson(value)}\n` : text());
}
