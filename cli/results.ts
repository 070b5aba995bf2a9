/**
 * A job's results as they stream in, one line of JSON for each unit in the order of the units, never
 * more in memory than one. A connection that breaks in the middle is taken up after the last unit
 * that arrived, so a download of hours survives a restart of the coordinator.
 */
import { type ResultLine, resultLineSchema } from '../protocol/http.ts';
import { Failure } from './failure.ts';
import type { Grid } from './grid.ts';
import { isUnreachable } from './http.ts';
import { linesOf, parseJson } from './lines.ts';

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
