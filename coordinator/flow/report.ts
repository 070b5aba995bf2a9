/**
 * report: results under a lease. Checked here, then handed to the group commit; the verdicts come
 * back when they are on disk, and so does every large output by then.
 */
import { hash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import type { HostId } from '../../protocol/ids.ts';
import type { HostResult } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { isCanonicalOutput } from '../../protocol/output.ts';
import type { RecordedResult } from '../domain/journal.ts';
import type { LeaseFacts } from '../domain/lease.ts';
import { positionOf, runsInclude } from '../domain/shard.ts';
import { openLease } from '../tokens/lease-token.ts';
import type { Context } from './context.ts';

/**
 * Records the results and returns one verdict each. Throws GridError `lease_invalid` (a forged or
 * foreign token, a unit that is not in the lease), `job_unknown`, and `artifact_unknown` (an output that was not
 * uploaded); then nothing of the report is recorded.
 */
export async function reportResults(
  context: Context,
  hostId: HostId,
  token: string,
  results: readonly HostResult[],
): Promise<Verdict[]> {
  const lease = openLease(context.sealer, token, hostId);
  const job = await context.jobs.facts(lease.shard.jobId);
  if (job === null) throw new GridError('job_unknown', lease.shard.jobId);
  const fuelMax = Number(job.document.limits.fuelMax);
  const recorded = results.map((result) => toRecorded(lease, result, fuelMax));
  const checked = await withOutputsChecked(context, recorded);
  return await context.recorder.record(lease.shard, lease, checked);
}

function toRecorded(lease: LeaseFacts, result: HostResult, fuelMax: number): RecordedResult {
  const position = positionOf(lease.shard.units, result.unit);
  if (position < 0 || !runsInclude(lease.positions, position)) {
    throw new GridError('lease_invalid', `Unit ${result.unit} is not in this lease.`);
  }
  const flaw = flawOf(result, fuelMax);
  if (flaw !== null) return hostError(position, flaw);
  const { outcome, exitCode, fuel, detail, output } = result;
  const digest = output === null ? result.digest : null;
  return { position, outcome, exitCode, fuel, detail, output, digest };
}

/** What no honest worker reports: then it is the host that is broken, and not the kernel. */
function flawOf(result: HostResult, fuelMax: number): string | null {
  if (result.fuel > fuelMax) return 'more fuel was reported than the unit may burn';
  if (result.output === null) return null;
  if (!hash('sha256', result.output, 'buffer').equals(result.digest)) {
    return 'the output did not have the digest it was reported with';
  }
  return isCanonicalOutput(result.output) ? null : notCanonical;
}

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

/**
 * The results as they are recorded when each large output was looked at. One after the other, because
 * an output may be as large as limits.outputBytesMax and is in memory while it is read.
 */
async function withOutputsChecked(
  context: Context,
  results: readonly RecordedResult[],
): Promise<RecordedResult[]> {
  const checked: RecordedResult[] = [];
  for (const result of results) {
    const isWell = result.digest === null || (await isOutput(context, result.digest));
    checked.push(isWell ? result : hostError(result.position, notCanonical));
  }
  return checked;
}

async function isOutput({ artifacts }: Context, digest: Uint8Array): Promise<boolean> {
  const name = `sha256:${Buffer.from(digest).toString('hex')}`;
  if ((await artifacts.size('output', name)) === null) {
    throw new GridError('artifact_unknown', `Upload the output ${name} first.`);
  }
  return isCanonicalOutput(await artifacts.readAll('output', name));
}
