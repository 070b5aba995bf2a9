/**
 * report: results under a lease. Checked here, then handed to the group commit. The verdicts come back
 * when the results are on disk; large outputs have to be there before.
 */
import { hash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  HostResult,
  Report,
  UnitRuns,
  Successes as WireSuccesses,
} from '../../protocol/messages.ts';
import type { Outcome, Verdict } from '../../protocol/outcome.ts';
import {
  contentBytes,
  endsOfOutputs,
  isCanonicalOutput,
  outputFramingBytesMax,
} from '../../protocol/output.ts';
import { digestOf } from '../artifacts/artifacts.ts';
import type { JobFacts } from '../domain/job.ts';
import { type RecordedResult, resultsOf, type Successes } from '../domain/journal.ts';
import { answerOf, type LateResult } from '../domain/late.ts';
import type { Holder, LeaseFacts } from '../domain/lease.ts';
import type { Reported } from '../domain/record.ts';
import { fromRuns, positionOf, runsInclude, runsSize, unitAt } from '../domain/shard.ts';
import type { Ran } from '../domain/speed.ts';
import type { Context } from './context.ts';

/**
 * Records the results and returns one verdict each, in the report's order, those in columns first.
 * Throws, or rejects with, GridError `lease_invalid` (a forged or foreign token, a unit that is not in the lease),
 * `bad_request` (columns that do not fit each other), `job_unknown`, and `artifact_unknown` (an output
 * that was not uploaded); then nothing of the report is recorded.
 */
export function reportResults(
  context: Context,
  host: Holder,
  { token, successes, results }: Pick<Report, 'token' | 'successes' | 'results'>,
): Promise<Verdict[]> {
  const lease = context.leaseTokens.open(token, host);
  const job = context.jobs.known(lease.shard.jobId);
  if (job === null || results.length > 0) return reportMixed(context, lease, successes, results);
  // Nearly all: nothing to wait for but the commit.
  const reported = withSuccesses(lease, successes, boundsOf(job), []);
  return record(context, lease, reported);
}

function record(context: Context, lease: LeaseFacts, reported: Reported): Promise<Verdict[]> {
  const recorded = context.recorder.record(lease.shard, lease, reported);
  return recorded.then((verdicts) =>
    verdicts.includes('not_needed') ? noteLate(context, lease, reported, verdicts) : verdicts,
  );
}

/** What came when its unit was decided is noted before the host is told that it is not needed. */
async function noteLate(
  { jobs, store }: Context,
  { shard, leaseId, hostId, accountId }: LeaseFacts,
  reported: Reported,
  verdicts: Verdict[],
): Promise<Verdict[]> {
  const { successes, results } = reported;
  const all = [...(successes === null ? [] : resultsOf(successes)), ...results];
  const job = await jobs.facts(shard.jobId);
  if (job === null) return verdicts;
  const late = all.flatMap((result, i): LateResult[] => {
    if (verdicts[i] !== 'not_needed' || result.outcome !== 'success') return [];
    const unit = unitAt(shard.units, result.position);
    const of = { unit, shard: Math.floor(unit / job.unitsPerShard), hostId, accountId };
    const under = { leaseId, shard: shard.number, position: result.position };
    return [{ ...of, lease: under, answer: answerOf(result, digestOf) }];
  });
  if (late.length > 0) await store.noteLate(shard.jobId, late);
  return verdicts;
}

async function reportMixed(
  context: Context,
  lease: LeaseFacts,
  successes: WireSuccesses | null,
  results: readonly HostResult[],
): Promise<Verdict[]> {
  const { jobId } = lease.shard;
  const job = await context.jobs.facts(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  const bounds = boundsOf(job);
  const recorded = results.map((result) => toRecorded(lease, result, bounds));
  const checked = await withOutputsChecked(context, recorded, bounds);
  const reported = withSuccesses(lease, successes, bounds, checked);
  const verdicts = await record(context, lease, reported);
  settleUploads(context, lease, checked, verdicts.slice(verdicts.length - checked.length));
  return verdicts;
}

/** Outputs that results name are no longer owed (domain/upload-allowance.ts). */
function settleUploads(
  { uploads, peers }: Context,
  { leaseId, accountId }: LeaseFacts,
  results: readonly RecordedResult[],
  verdicts: readonly Verdict[],
): void {
  for (const [i, { digest, position }] of results.entries()) {
    if (digest === null || verdicts[i] === 'invalid') continue;
    const name = nameOfOutput(digest);
    if (!uploads.recorded(accountId, name, `${leaseId} ${position}`))
      peers.tellNamed(accountId, name);
  }
}

/** What a report that was recorded tells of the host: how fast it is, and how much it may have. */
export function learnFromReport(
  { capacities, now }: Pick<Context, 'capacities' | 'now'>,
  { hostId }: Pick<Holder, 'hostId'>,
  { successes, results }: Pick<Report, 'successes' | 'results'>,
  verdicts: readonly Verdict[],
): void {
  let accepted = 0;
  for (const verdict of verdicts) if (verdict === 'accepted') accepted++;
  let spoiled = 0;
  const first = verdicts.length - results.length;
  for (const [i, { outcome }] of results.entries()) {
    if (verdicts[first + i] === 'invalid' && !isOfTheJob(outcome)) spoiled++;
  }
  capacities.reported(hostId, ranIn(successes, results), { accepted, spoiled }, now());
}

/** What may be for the job's own limits, or for its end. */
const isOfTheJob = (outcome: Outcome): boolean =>
  outcome === 'time_exceeded' || outcome === 'aborted';

/** Runs that the host itself spoiled have burned nothing, and tell nothing of its speed. */
function ranIn(successes: WireSuccesses | null, results: readonly HostResult[]): Ran {
  const ran = { units: 0, fuel: 0, wallMs: successes?.wallMs ?? 0 };
  for (const fuel of successes?.fuel ?? []) {
    ran.units++;
    ran.fuel += fuel;
  }
  for (const { fuel, wallMs } of results) {
    if (fuel === 0) continue;
    ran.units++;
    ran.fuel += fuel;
    ran.wallMs += wallMs;
  }
  return ran;
}

/** What the job's sandbox would not have let through. */
type Bounds = { fuelMax: number; outputBytesMax: number };
const boundsOf = ({ document: { limits: own } }: JobFacts): Bounds => ({
  fuelMax: Number(own.fuelMax),
  outputBytesMax: own.outputBytesMax,
});

/** Columns stay columns when every one of them is in order, else they become results one by one. */
function withSuccesses(
  lease: LeaseFacts,
  wire: WireSuccesses | null,
  bounds: Bounds,
  results: RecordedResult[],
): Reported {
  if (wire === null) {
    if (results.length === 0) throw new GridError('bad_request', 'results: a report of nothing');
    return { successes: null, results };
  }
  const positions = positionsOf(lease, wire);
  const { fuel, outputs } = wire;
  if (runsSize(wire.units) !== fuel.length) {
    throw new GridError('bad_request', 'successes.fuel: expected one number for each unit');
  }
  const ends = endsOfOutputs(outputs, fuel.length);
  if (ends === null) {
    const flawed = [...fromRuns(positions)].map((at) => hostError(at, notCanonical));
    return { successes: null, results: [...flawed, ...results] };
  }
  if (ends.some((end, i) => end - (ends[i - 1] ?? 0) > limits.inlineOutputBytesMax)) {
    throw new GridError('bad_request', 'successes.outputs: one is too large to ride in a report');
  }
  const successes: Successes = { positions, fuel, outputs };
  const { fuelMax, outputBytesMax } = bounds;
  const areSmall = outputBytesMax >= limits.inlineOutputBytesMax;
  if (areSmall && fuel.every((one) => one <= fuelMax)) return { successes, results };
  const singly = resultsOf(successes).map((result) => {
    const flaw = flawOf(result.fuel, result.output, bounds);
    return flaw === null ? result : hostError(result.position, flaw);
  });
  return { successes: null, results: [...singly, ...results] };
}

/** Positions of units in columns: ascending, so that none is named twice. */
function positionsOf(lease: LeaseFacts, { units }: WireSuccesses): UnitRuns {
  const { units: shardUnits } = lease.shard;
  const positions: UnitRuns = [];
  let end = 0;
  for (const run of 'list' in shardUnits ? singly(units) : units) {
    const from = run[0];
    const count = run[1];
    const position = positionOf(shardUnits, from);
    if (position < 0 || !lease.positions.some((run) => covers(run, position, count))) {
      throw notInLease(from);
    }
    if (position < end) {
      throw new GridError('bad_request', 'successes.units: expected ascending units');
    }
    const before = positions.at(-1);
    if (before !== undefined && position === end) before[1] += count;
    else positions.push([position, count]);
    end = position + count;
  }
  return positions;
}

const covers = (run: [number, number], position: number, count: number): boolean =>
  position >= run[0] && position + count <= run[0] + run[1];

const notInLease = (unit: number): GridError =>
  new GridError('lease_invalid', `Unit ${unit} is not in this lease.`);

const singly = (units: UnitRuns): UnitRuns => [...fromRuns(units)].map((unit) => [unit, 1]);

function inLease({ shard, positions }: LeaseFacts, unit: number): number {
  const position = positionOf(shard.units, unit);
  if (position < 0 || !runsInclude(positions, position)) {
    throw notInLease(unit);
  }
  return position;
}

function toRecorded(lease: LeaseFacts, result: HostResult, bounds: Bounds): RecordedResult {
  const position = inLease(lease, result.unit);
  const flaw = digestFlaw(result) ?? flawOf(result.fuel, result.output, bounds);
  if (flaw !== null) return hostError(position, flaw);
  const { outcome, exitCode, fuel, detail, output } = result;
  const digest = output === null ? result.digest : null;
  return { position, outcome, exitCode, fuel, detail, output, digest };
}

const digestFlaw = ({ output, digest }: HostResult): string | null =>
  output === null || hash('sha256', output, 'buffer').equals(digest)
    ? null
    : 'the output did not have the digest it was reported with';

/** What no honest worker reports: then it is the host that is broken, and not the kernel. */
function flawOf(fuel: number, output: Uint8Array | null, bounds: Bounds): string | null {
  if (fuel > bounds.fuelMax) return tooMuchFuel;
  if (output === null) return null;
  if (!isCanonicalOutput(output)) return notCanonical;
  return contentBytes(output) > bounds.outputBytesMax ? tooMuchOutput : null;
}

const tooMuchFuel = 'more fuel was reported than the unit may burn';
const tooMuchOutput = 'a larger output was reported than the unit may have';
const notCanonical = 'the output was not in canonical form';

const hostError = (position: number, detail: string): RecordedResult => ({
  position,
  outcome: 'host_error',
  exitCode: null,
  fuel: 0,
  detail,
  output: null,
  digest: null,
});

/** Outputs are read whole: of one report so much is in memory at once, or a single one that is larger. */
const outputsBytesMax = 8 * 1024 * 1024;
/** S3 answers after some milliseconds, and has many answers under way. */
const outputsAtOnceMax = 16;

async function withOutputsChecked(
  context: Context,
  results: readonly RecordedResult[],
  bounds: Bounds,
): Promise<RecordedResult[]> {
  const fitting = Math.floor(outputsBytesMax / bounds.outputBytesMax);
  const atOnce = Math.max(1, Math.min(outputsAtOnceMax, fitting));
  const checked: RecordedResult[] = [];
  for (let from = 0; from < results.length; from += atOnce) {
    const some = results.slice(from, from + atOnce);
    checked.push(
      ...(await Promise.all(some.map((one) => withOutputChecked(context, one, bounds)))),
    );
  }
  return checked;
}

const nameOfOutput = (digest: Uint8Array): string =>
  `sha256:${Buffer.from(digest).toString('hex')}`;

async function withOutputChecked(
  { artifacts }: Context,
  result: RecordedResult,
  bounds: Bounds,
): Promise<RecordedResult> {
  const { position, fuel, digest } = result;
  if (digest === null) return result;
  const name = nameOfOutput(digest);
  const size = await artifacts.keep('output', name);
  if (size === null) {
    throw new GridError('artifact_unknown', `Upload the output ${name} first.`);
  }
  // Reading it would take memory that the job's own outputs do not.
  if (size > bounds.outputBytesMax + outputFramingBytesMax)
    return hostError(position, tooMuchOutput);
  const flaw = flawOf(fuel, await artifacts.readAll('output', name), bounds);
  return flaw === null ? result : hostError(position, flaw);
}
