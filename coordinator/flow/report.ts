/**
 * report: results under a lease. Checked here, then handed to the group commit; the verdicts come
 * back when they are on disk, and so does every large output by then.
 */
import { hash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import type { HostId } from '../../protocol/ids.ts';
import type { HostResult, UnitRuns } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { decodeOutput } from '../../protocol/output.ts';
import type { RecordedResult } from '../domain/journal.ts';
import { positionOf, runsInclude, type Shard } from '../domain/shard.ts';
import { openLease } from '../tokens/lease-token.ts';
import type { Context } from './context.ts';

/**
 * Records the results and returns one verdict each. Throws GridError `lease_invalid` (a forged or
 * foreign token, a unit that is not in the lease) and `artifact_unknown` (an output that was not
 * uploaded); then nothing of the report is recorded.
 */
export async function reportResults(
  context: Context,
  hostId: HostId,
  token: string,
  results: readonly HostResult[],
): Promise<Verdict[]> {
  const lease = openLease(context.sealer, token, hostId);
  const recorded = results.map((result) => toRecorded(lease.shard, lease.positions, result));
  await assertOutputsAreHere(context, recorded);
  return await context.recorder.record(lease.shard, lease, recorded);
}

function toRecorded(shard: Shard, positions: UnitRuns, result: HostResult): RecordedResult {
  const position = positionOf(shard.units, result.unit);
  if (position < 0 || !runsInclude(positions, position)) {
    throw new GridError('lease_invalid', `Unit ${result.unit} is not in this lease.`);
  }
  const { outcome, exitCode, fuel, detail } = result;
  const common = { position, outcome, exitCode, fuel, detail };
  if (result.output === null) return { ...common, output: null, digest: result.digest };
  const flaw = outputFlaw(result.output, result.digest);
  if (flaw === null) return { ...common, output: result.output, digest: null };
  // A host whose bytes do not match its own digest is broken, not the kernel.
  return {
    position,
    outcome: 'host_error',
    exitCode: null,
    fuel: 0,
    detail: flaw,
    output: null,
    digest: null,
  };
}

function outputFlaw(output: Uint8Array, digest: Uint8Array): string | null {
  if (hash('sha256', output, 'hex') !== Buffer.from(digest).toString('hex')) {
    return 'the output did not have the digest it was reported with';
  }
  try {
    decodeOutput(output);
    return null;
  } catch {
    return 'the output was not in canonical form';
  }
}

async function assertOutputsAreHere(
  context: Context,
  results: readonly RecordedResult[],
): Promise<void> {
  for (const { digest } of results) {
    if (digest === null) continue;
    const name = `sha256:${Buffer.from(digest).toString('hex')}`;
    if ((await context.artifacts.size('output', name)) === null) {
      throw new GridError('artifact_unknown', `Upload the output ${name} first.`);
    }
  }
}
