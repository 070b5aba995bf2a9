/**
 * results: the decided units of a job, in order, read from the journals of its shards, and through the
 * amendments that lie over them. One shard at a time is in memory, so a job of any size streams.
 */
import { GridError } from '../../protocol/errors.ts';
import type { ResultLine, RevocationLine } from '../../protocol/http.ts';
import type { JobId } from '../../protocol/ids.ts';
import { decodeOutput, type UnitOutput } from '../../protocol/output.ts';
import { unitParams } from '../../protocol/unit-rule.ts';
import { digestOf } from '../artifacts/artifacts.ts';
import { decidedUnits, resultsRecorded } from '../domain/decided-units.ts';
import { isFinal, type Job, type JobFacts } from '../domain/job.ts';
import type { RecordedResult } from '../domain/journal.ts';
import { type Shard, shardSize, splitShard, unitAt } from '../domain/shard.ts';
import { isEachChecked } from '../domain/trust/assurance.ts';
import { caseName, isPending, type Place } from '../domain/trust/docket.ts';
import type { Context } from './context.ts';

type ResultsContext = Pick<Context, 'store' | 'artifacts'>;

/** Throws GridError `job_unknown` at once; then yields lines from unit `from` on. */
export async function openResults(
  context: ResultsContext,
  jobId: JobId,
  from: number,
): Promise<AsyncGenerator<ResultLine>> {
  const job = await context.store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return lines(context, job, job.counts.shards, from);
}

/** As many of the units revoked are looked at together. */
const revocationsPerStep = 256;

/**
 * What became of results that had been told before, in the order in which they were revoked, so that whoever
 * has downloaded them can mend what they have: each line is the unit's result as it is now. Throws GridError
 * `job_unknown` at once.
 */
export async function openRevocations(
  context: ResultsContext,
  jobId: JobId,
  after: number,
): Promise<AsyncGenerator<RevocationLine>> {
  const job = await context.store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return revocations(context, job, after);
}

async function* revocations(
  context: ResultsContext,
  job: Job,
  after: number,
): AsyncGenerator<RevocationLine> {
  const { store } = context;
  for (let told = after; ; ) {
    const units = await store.readRevoked(job.jobId, told, revocationsPerStep);
    const places = await store.readAmendments(job.jobId);
    for (const unit of units) {
      told++;
      const place = places.get(unit);
      if (place !== undefined)
        yield { revocation: told, ...asFinal(job, await amendedLine(context, job, unit, place)) };
    }
    if (units.length < revocationsPerStep) return;
  }
}

async function* lines(
  context: ResultsContext,
  job: Job,
  shards: number,
  from: number,
): AsyncGenerator<ResultLine> {
  const places = await context.store.readAmendments(job.jobId);
  for (let number = Math.floor(from / job.unitsPerShard); number < shards; number++) {
    const shard = splitShard(job, number);
    const pending = await pendingIn(context, job, shard);
    for (const { position, verdict, result, detail } of decidedUnits(
      await context.store.readJournal(shard),
    )) {
      const unit = unitAt(shard.units, position);
      if (unit < from) continue;
      const place = places.get(unit);
      const line =
        place === undefined
          ? await toLine(context, job, unit, verdict, result, detail)
          : await amendedLine(context, job, unit, place);
      yield line.verdict === 'accepted' && pending.has(unit)
        ? { ...line, verdict: 'pending' }
        : asFinal(job, line);
    }
  }
}

/** What was accepted is final when its shard is. */
const asFinal = (job: Job, line: ResultLine): ResultLine =>
  line.verdict === 'accepted' && isFinal(job, line.unit) ? { ...line, verdict: 'final' } : line;

/**
 * Units of a job each of whose results is checked, that have not enough accounts behind them yet; and those
 * whose result a verifier has rejected.
 */
async function pendingIn({ store }: ResultsContext, job: Job, shard: Shard): Promise<Set<number>> {
  if (!isEachChecked(job.document.trust) && job.verifier === undefined) return new Set();
  // Of those that are final no cases are left.
  if (isFinal(job, unitAt(shard.units, 0))) return new Set();
  const units = Array.from({ length: shardSize(shard.units) }, (_, i) => unitAt(shard.units, i));
  const cases = await store.trust.read(
    'cases',
    units.map((unit) => caseName(job.jobId, unit)),
  );
  return new Set(
    units.filter((unit) => isPending(job, unit, cases.get(caseName(job.jobId, unit)))),
  );
}

/** The canonical result was proven wrong; this is the one that proved it. */
async function amendedLine(
  context: ResultsContext,
  job: JobFacts,
  unit: number,
  { shard, position, hostId }: Place,
): Promise<ResultLine> {
  // Only its number tells which journal it is.
  const where = { jobId: job.jobId, number: shard, units: { list: [] } };
  const ended = resultsRecorded(await context.store.readJournal(where));
  const found = ended.find((one) => one.hostId === hostId && one.result.position === position);
  if (found === undefined) throw new Error(`unit ${unit} of ${job.jobId} has no result any more`);
  const { result } = found;
  if (result.outcome === 'success') return toLine(context, job, unit, 'accepted', result, null);
  const detail = [result.outcome, result.detail].filter((text) => text).join(': ');
  return toLine(context, job, unit, 'invalid', result, detail);
}

async function toLine(
  context: ResultsContext,
  job: JobFacts,
  unit: number,
  verdict: 'accepted' | 'invalid',
  result: RecordedResult,
  detail: string | null,
): Promise<ResultLine> {
  const bytes = await outputBytes(context, result);
  const output = bytes === null ? null : decoded(bytes);
  const common = {
    unit,
    params: unitParams(job.document.units, unit),
    verdict,
    outcome: result.outcome,
    fuel: String(result.fuel),
    digest: bytes === null ? digestOf(new Uint8Array(0)) : digestOf(bytes),
  };
  if (detail !== null) return { ...common, output: null, files: {}, detail };
  if (output === null) return { ...common, output: null, files: {}, detail: unreadable };
  return { ...common, output: readable(output), files: readableFiles(output) };
}

/** A stranger uploaded it, and only its digest was checked: one bad output must not end the stream. */
const unreadable = 'the output is not in canonical form, or its artifact is gone';

function decoded(bytes: Uint8Array): UnitOutput | null {
  try {
    return decodeOutput(bytes);
  } catch {
    return null;
  }
}

async function outputBytes(
  context: ResultsContext,
  result: RecordedResult,
): Promise<Uint8Array | null> {
  if (result.output !== null) return result.output;
  if (result.digest === null) return null;
  const digest = `sha256:${Buffer.from(result.digest).toString('hex')}`;
  if ((await context.artifacts.size('output', digest)) === null) return null;
  return await context.artifacts.readAll('output', digest);
}

/** stdout as JSON when it is one JSON value, else as text. */
function readable(output: UnitOutput): ResultLine['output'] {
  const text = Buffer.from(output.stdout).toString('utf8');
  try {
    return JSON.parse(text) as ResultLine['output'];
  } catch {
    return text;
  }
}

const readableFiles = (output: UnitOutput): Record<string, string> =>
  Object.fromEntries(
    Object.entries(output.files).map(([path, bytes]) => [
      path,
      Buffer.from(bytes).toString('base64'),
    ]),
  );
