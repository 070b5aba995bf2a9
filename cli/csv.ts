/**
 * Results as CSV (RFC 4180). The columns are known before the first row, because a stream cannot
 * go back: the unit's parameters, then, if the first output is a JSON object, a column for each of
 * its fields, else one for the output. What a later output has beyond that is kept as JSON in the last column, `more`, so that
 * no value is ever lost.
 */
import type { ResultLine } from '../protocol/http.ts';

type Fields = Record<string, unknown>;

const isFields = (output: unknown): output is Fields =>
  typeof output === 'object' && output !== null && !Array.isArray(output);

export type CsvColumns = { params: string[]; fields: string[] | null };

/** What the columns are, told by the first result that has an output. */
export const csvColumns = (line: ResultLine): CsvColumns => ({
  params: Object.keys(line.params),
  fields: isFields(line.output) ? Object.keys(line.output) : null,
});

export function csvHeader({ params, fields }: CsvColumns): string {
  const outputs = fields?.map((field) => `output.${field}`) ?? ['output'];
  return row(['unit', ...params, 'verdict', 'outcome', 'fuel', ...outputs, 'more']);
}

export function csvRow(line: ResultLine, { params, fields }: CsvColumns): string {
  const { output } = line;
  const outputs = fields?.map((field) => (isFields(output) ? output[field] : null)) ?? [output];
  const values = params.map((name) => line.params[name]);
  const more = Object.fromEntries(beyond(line, fields));
  return row([
    line.unit,
    ...values,
    line.verdict,
    line.outcome,
    line.fuel,
    ...outputs,
    Object.keys(more).length > 0 ? more : null,
  ]);
}

/** What of a result has no column of its own. */
function* beyond(line: ResultLine, fields: string[] | null): Generator<[string, unknown]> {
  if (fields !== null && isFields(line.output)) {
    for (const [name, value] of Object.entries(line.output)) {
      if (!fields.includes(name)) yield [name, value];
    }
  } else if (fields !== null && line.output !== null) {
    yield ['output', line.output];
  }
  if (Object.keys(line.files).length > 0) yield ['files', line.files];
  if (line.detail) yield ['detail', line.detail];
}

const row = (values: unknown[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
