/**
 * results: the decided units of a job, in order, read from the journals of its shards, and through the
 * amendments that lie over them. One shard at a time is in memory, so a job of any size streams. Lines come some
 * at a time: to wait for each took as long as all else that is done for it.
 */
import { GridError } from '../../protocol/errors.ts';
import type { ResultLine, RevocationLine } from '../../protocol/http.ts';
import type { JobId } from '../../protocol/ids.ts';
import { decodeOutput, type UnitOutput } from '../../protocol/output.ts';
import { unitParams } from '../../protocol/unit-rule.ts';
import { digestOf } from '../artifacts/artifacts.ts';
import { type DecidedUnit, decidedUnits, resultsRecorded } from '../domain/decided-units.ts';
import { isFinal, type Job, type JobFacts } from '../domain/job.ts';
import type { RecordedResult } from '../domain/journal.ts';
import { type Shard, shardSize, splitShard, unitAt } from '../domain/shard.ts';
import { isEachChecked } from '../domain/trust/assurance.ts';
import { caseName, isPending, type Place } from '../domain/trust/docket.ts';
import type { Context } from './context.ts';

type ResultsContext = Pick<Context, 'store' | 'artifacts'>;

/** Of so much output lines are told together: what a connection takes at once. */
const outputBytesAtOnce = 65_536;
/** What a line has beside its output. */
const lineBytes = 256;

/** Throws GridError `job_unknown` at once; then yields lines from unit `from` on, some at a time. */
export async function openResults(
  context: ResultsContext,
  jobId: JobId,
  from: number,
): Promise<AsyncGenerator<ResultLine[]>> {
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
): Promise<AsyncGenerator<RevocationLine[]>> {
  const job = await context.store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return revocations(context, job, after);
}

async function* revocations(
  context: ResultsContext,
  job: Job,
  after: number,
): AsyncGenerator<RevocationLine[]> {
  const { store } = context;
  for (let told = after; ; ) {
    const units = await store.readRevoked(job.jobId, told, revocationsPerStep);
    const places = await store.readAmendments(job.jobId);
    for (const unit of units) {
      const revocation = ++told;
      const place = places.get(unit);
      if (place === undefined) continue;
      const { result, verdict, detail } = await amended(context, job, unit, place);
      const output = await outputBytes(context, result);
      const now = verdictNow(job, unit, verdict, nonePending);
      yield [{ revocation, ...toLine(job, unit, now, result, detail, output) }];
    }
    if (units.length < revocationsPerStep) return;
  }
}

async function* lines(
  context: ResultsContext,
  job: Job,
  shards: number,
  from: number,
): AsyncGenerator<ResultLine[]> {
  const places = await context.store.readAmendments(job.jobId);
  for (let number = Math.floor(from / job.unitsPerShard); number < shards; number++) {
    const shard = splitShard(job, number);
    const pending = await pendingIn(context, job, shard);
    let [some, bytes]: [ResultLine[], number] = [[], 0];
    for (const decided of decidedUnits(await context.store.readJournal(shard))) {
      const unit = unitAt(shard.units, decided.position);
      if (unit < from) continue;
      const place = places.get(unit);
      const { result, verdict, detail } =
        place === undefined ? decided : await amended(context, job, unit, place);
      // Nearly all outputs are in the journal: nothing is waited for.
      const output = result.output ?? (await outputBytes(context, result));
      const now = verdictNow(job, unit, verdict, pending);
      some.push(toLine(job, unit, now, result, detail, output));
      bytes += lineBytes + (output?.length ?? 0);
      if (bytes < outputBytesAtOnce) continue;
      yield some;
      [some, bytes] = [[], 0];
    }
    if (some.length > 0) yield some;
  }
}

const nonePending: ReadonlySet<number> = new Set();

/** What was accepted is final when its shard is, and pending until enough accounts are behind it. */
function verdictNow(
  job: Job,
  unit: number,
  verdict: DecidedUnit['verdict'],
  pending: ReadonlySet<number>,
): ResultLine['verdict'] {
  if (verdict !== 'accepted') return verdict;
  if (pending.has(unit)) return 'pending';
  return isFinal(job, unit) ? 'final' : 'accepted';
}

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
async function amended(
  { store }: ResultsContext,
  { jobId }: JobFacts,
  unit: number,
  { shard, position, hostId }: Place,
): Promise<Omit<DecidedUnit, 'position'>> {
  // Only its number tells which journal it is.
  const where = { jobId, number: shard, units: { list: [] } };
  const ended = resultsRecorded(await store.readJournal(where));
  const found = ended.find((one) => one.hostId === hostId && one.result.position === position);
  if (found === undefined) throw new Error(`unit ${unit} of ${jobId} has no result any more`);
  const { result } = found;
  if (result.outcome === 'success') return { verdict: 'accepted', result, detail: null };
  const detail = [result.outcome, result.detail].filter((text) => text).join(': ');
  return { verdict: 'invalid', result, detail };
}

function toLine(
  job: JobFacts,
  unit: number,
  verdict: ResultLine['verdict'],
  result: RecordedResult,
  detail: string | null,
  bytes: Uint8Array | null,
): ResultLine {
  const output = bytes === null ? null : decoded(bytes);
  const told = detail ?? (output === null ? unreadable : null);
  // Written out: V8 takes a microsecond, and memory that lives long, to add to what it has spread.
  const line: ResultLine = {
    unit,
    params: unitParams(job.document.units, unit),
    verdict,
    outcome: result.outcome,
    fuel: String(result.fuel),
    digest: bytes === null ? digestOfNothing : digestOf(bytes),
    output: told === null && output !== null ? readable(output) : null,
    files: told === null && output !== null ? readableFiles(output) : {},
  };
  if (told !== null) line.detail = told;
  return line;
}

const digestOfNothing = digestOf(new Uint8Array(0));

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
  if (result.output !== null || result.digest === null) return result.output;
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
