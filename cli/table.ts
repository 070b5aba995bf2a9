/** Columns for reading: each as wide as its widest cell, numbers to the right, no lines drawn. */
import { onStdout, plainText, print } from './terminal.ts';

export type Column<Row> = {
  title: string;
  align?: 'left' | 'right';
  cell: (row: Row) => string;
};

export function printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
  const cells = rows.map((row) => columns.map((column) => plainText(column.cell(row))));
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => widthOf(line[i] ?? ''))),
  );
  const lineOf = (texts: readonly string[]) =>
    texts
      .map((text, i) => {
        const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(text)));
        return columns[i]?.align === 'right' ? gap + text : text + gap;
      })
      .join('  ')
      .trimEnd();
  print(onStdout.dim(lineOf(columns.map((column) => column.title))));
  for (const line of cells) print(lineOf(line));
}

/** Code points, which is what a terminal shows one cell for in all but a few scripts. */
const widthOf = (text: string): number => [...text].length;
