/**
 * A job's results as they stream in, one line of JSON for each unit in the order of the units, never
 * more in memory than one. A connection that breaks in the middle is taken up after the last unit
 * that arrived, so a download of hours survives a restart of the coordinator.
 */
import { type ResultLine, resultLineSchema } from '../protocol/http.ts';
import { Failure } from './failure.ts';
import type { Grid } from './grid.ts';
import { isUnreachable } from './http.ts';

/** Breaks in a row without a single new line: then the other side is not merely restarting. */
const breaksMax = 5;

export async function* readResults(grid: Grid, jobId: string): AsyncGenerator<ResultLine> {
  let next = 0;
  for (let breaks = 0; ; breaks++) {
    try {
      for await (const text of linesOf(await grid.results(jobId, next))) {
        const line = parseLine(jobId, text);
        yield line;
        next = line.unit + 1;
        breaks = 0;
      }
      return;
    } catch (error) {
      if (!isUnreachable(error) || breaks >= breaksMax) throw error;
    }
  }
}

function parseLine(jobId: string, text: string): ResultLine {
  const parsed = resultLineSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Failure('reply_unknown', `A line of the results of ${jobId} was not understood.`, {
    why: text.slice(0, 120),
    remedy: 'check that both sides are up to date',
    cause: parsed.error,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema refuses undefined, and the caller shows the line.
    return undefined;
  }
}

/** The lines of a stream of UTF-8. Only what is new is searched: a line may have megabytes. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const [first = '', ...others] = decoder.decode(piece, { stream: true }).split('\n');
    rest += first;
    for (const other of others) {
      yield rest;
      rest = other;
    }
  }
  if (rest !== '') yield rest;
}
