/** Where results go: lines or rows to stdout or to one file in a folder, or a folder for each unit. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { ResultLine } from '../protocol/http.ts';
import { type CsvColumns, csvColumns, csvHeader, csvRow } from './csv.ts';
import { cannotWrite } from './files.ts';
import { writeUnitFiles } from './result-files.ts';
import { printInFull } from './terminal.ts';

export type ResultSink = {
  /** What the person is told: a file or a folder. */
  place: string;
  write(line: ResultLine): Promise<void>;
  close(): Promise<void>;
};

export async function openResultSink(
  format: 'jsonl' | 'csv' | 'files',
  folder: string | undefined,
): Promise<ResultSink> {
  if (format === 'files') {
    const place = folder ?? '.';
    return { place, write: (line) => writeUnitFiles(line, place), close: async () => {} };
  }
  const text = folder === undefined ? stdoutText : await fileText(folder, `results.${format}`);
  if (format === 'csv') return csvSink(text);
  return { ...text, write: (line) => text.write(`${JSON.stringify(line)}\n`) };
}

type Text = { place: string; write(text: string): Promise<void>; close(): Promise<void> };

const stdoutText: Text = { place: 'stdout', write: printInFull, close: async () => {} };

async function fileText(folder: string, name: string): Promise<Text> {
  const place = join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    const file = createWriteStream(place);
    await once(file, 'open');
    return {
      place,
      async write(text) {
        if (!file.write(text)) await once(file, 'drain');
      },
      async close() {
        file.end();
        await finished(file);
      },
    };
  } catch (error) {
    throw cannotWrite(place, error);
  }
}

/** Failed units that come first wait, so that the columns are those of a unit with an output. */
function csvSink(text: Text): ResultSink {
  const waitingMax = 1000;
  let columns: CsvColumns | null = null;
  let waiting: ResultLine[] = [];
  const start = async (from: ResultLine) => {
    columns = csvColumns(from);
    await text.write(csvHeader(columns));
    for (const line of waiting) await text.write(csvRow(line, columns));
    waiting = [];
  };
  return {
    place: text.place,
    async write(line) {
      if (columns !== null) return text.write(csvRow(line, columns));
      waiting.push(line);
      if (line.output !== null || waiting.length >= waitingMax) await start(line);
    },
    async close() {
      const [first] = waiting;
      if (first !== undefined) await start(first);
      await text.close();
    },
  };
}
