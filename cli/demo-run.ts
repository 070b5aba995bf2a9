/**
 * What the demo computes and how it knows that it is right: which Mersenne numbers with an exponent
 * below 4,500 are prime. Every answer is compared with what others have published, so the demo fails
 * loudly when the grid computes or loses anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { mersenneJob } from '../jobs/mersenne/job.ts';
import { res64 } from '../jobs/mersenne/oracle.ts';
import { lastTerms, mersenneExponents } from '../jobs/mersenne/published.ts';
import type { JobView, ResultLine, Standing } from '../protocol/http.ts';
import { Failure } from './failure.ts';
import { untilEnded } from './follow-job.ts';
import { formatCount, formatCredit, formatRate, formatSeconds } from './format.ts';
import type { Grid } from './grid.ts';
import { readResults } from './results.ts';
import { printTable } from './table.ts';
import { onStdout, print } from './terminal.ts';

/** 609 units: two cores finish them while one watches. */
const exponentsBelow = 4500;
const creditWithinMs = 5000;

export type DemoRun = {
  job: JobView;
  results: ResultLine[];
  standings: Standing[];
  wallMs: number;
};

export async function computeMersenne(grid: Grid, signal: AbortSignal): Promise<DemoRun | null> {
  const { document, artifacts } = await mersenneJob({ below: exponentsBelow }).prepare();
  for (const [digest, bytes] of artifacts) await grid.putArtifact(digest, new Uint8Array(bytes));
  const startedAt = performance.now();
  const { jobId } = await grid.submit(document);
  const job = await untilEnded(grid, jobId, { signal });
  const wallMs = Math.round(performance.now() - startedAt);
  if (job === null) return null;
  const results: ResultLine[] = [];
  for await (const line of readResults(grid, jobId)) results.push(line);
  return { job, results, standings: await settledStandings(grid, job), wallMs };
}

/** Credit follows a result within a moment: the standings once they count every unit. */
async function settledStandings(grid: Grid, job: JobView): Promise<Standing[]> {
  const deadline = Date.now() + creditWithinMs;
  for (;;) {
    const standings = await grid.standings();
    const counted = standings.reduce((sum, standing) => sum + standing.units, 0);
    if (counted >= job.canonical || Date.now() > deadline) return standings;
    await sleep(100);
  }
}

export function tellMersenne({ job, results, standings, wallMs }: DemoRun): void {
  const { bold } = onStdout;
  const primes = results.map(answerOf).filter((answer) => answer.prime);
  const exponents = primes.map(({ exponent }) => exponent).join(' ');
  print(`${primes.length} Mersenne primes 2^p - 1 with an odd p below ${exponentsBelow}; p is`);
  print(`  ${bold(exponents)}`);
  const rate = job.canonical / (wallMs / 1000);
  print(
    `${formatCount(job.canonical)} units in ${formatSeconds(wallMs / 1000)}, ${formatRate(rate)} a second`,
  );
  printTable(standings, [
    { title: 'VOLUNTEER', cell: (row) => row.name },
    { title: 'CREDIT', align: 'right', cell: (row) => formatCredit(row.creditMicro) },
    { title: 'UNITS', align: 'right', cell: (row) => formatCount(row.units) },
  ]);
}

/** Throws when a unit is missing or an answer differs from a published one. */
export function checkMersenne({ job, results }: DemoRun): void {
  let residues = 0;
  for (const line of results) {
    const { exponent, prime, res64: found } = answerOf(line);
    const term = mersenneExponents.includes(exponent) ? 0n : lastTerms.get(exponent);
    if (prime !== mersenneExponents.includes(exponent)) throw wrong(exponent, `prime: ${prime}`);
    if (term === undefined) continue;
    residues++;
    if (found !== res64(term)) throw wrong(exponent, `${found} instead of ${res64(term)}`);
  }
  if (results.length !== job.units || job.failed > 0) {
    throw new Failure('units_failed', 'The demo did not compute every unit.', {
      why: `${job.failed} failed, ${job.units - results.length} have no result`,
      remedy: 'this should not happen: please report it',
    });
  }
  print(
    `All ${results.length} answers agree with OEIS A000043, ${residues} residues with A095847.`,
  );
}

type Answer = { exponent: number; prime: boolean; res64: string };

function answerOf(line: ResultLine): Answer {
  const { exponent, prime, res64 } = line.output as Partial<Answer>;
  if (typeof exponent === 'number' && typeof prime === 'boolean' && typeof res64 === 'string') {
    return { exponent, prime, res64 };
  }
  throw wrong(Number(line.params['p']), JSON.stringify(line.output));
}

const wrong = (exponent: number, why: string) =>
  new Failure('residue_wrong', `The answer for exponent ${exponent} is wrong.`, {
    why,
    remedy: 'this should not happen: please report it',
  });
