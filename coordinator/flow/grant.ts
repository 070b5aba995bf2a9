/**
 * grant: a host that asks gets leases on some units. From memory, at once: the token proves the
 * lease, and its journal entry rides with the next commit.
 */
import { idFromBytes } from '../../protocol/ids.ts';
import type { Lease } from '../../protocol/messages.ts';
import { unitParams } from '../../protocol/unit-rule.ts';
import type { JobFacts } from '../domain/job.ts';
import { type LeaseFacts, leaseDurationMs } from '../domain/lease.ts';
import { fromRuns, runsSize } from '../domain/shard.ts';
import { unitsAt } from '../domain/unit-runs.ts';
import type { Asker } from '../domain/window.ts';
import { sealLease } from '../tokens/lease-token.ts';
import type { Context } from './context.ts';

/** A message with more leases than this says more about bookkeeping than about work. */
const leasesPerMessageMax = 16;
/** A rule longer than this is not sent to hosts; their leases carry the parameters instead. */
export const ruleBytesMax = 4096;

export type Grant = { lease: Lease; job: JobFacts };

/** Grants up to `units` units. Empty when the window has nothing for this host. */
export function grantUnits(context: Context, host: Asker, units: number): Grant[] {
  const asker = { ...host, standing: context.knownHosts.standingOf(host.hostId, context.now()) };
  const grants: Grant[] = [];
  let left = units;
  while (left > 0 && grants.length < leasesPerMessageMax) {
    const leaseId = idFromBytes('l', context.randomBytes(10));
    const granted = context.window.grant(asker, left, leaseId, context.now());
    if (granted === null) break;
    const { job, shard, hostId, accountId, positions } = granted;
    left -= runsSize(positions);
    context.recorder.note(shard, { kind: 'leased', leaseId, hostId, accountId, positions });
    grants.push({ lease: toWire(context, granted, job), job });
  }
  return grants;
}

/** Whether hosts can work a unit's parameters out from the rule itself. */
export function sendsRule(job: JobFacts): boolean {
  const known = rulesSent.get(job);
  if (known !== undefined) return known;
  const sends = JSON.stringify(job.document.units).length <= ruleBytesMax;
  rulesSent.set(job, sends);
  return sends;
}
/** A rule may be megabytes: its length is taken once. */
const rulesSent = new WeakMap<JobFacts, boolean>();

function toWire(context: Context, facts: LeaseFacts, job: JobFacts): Lease {
  const units = unitsAt(facts.shard.units, facts.positions);
  return {
    leaseId: facts.leaseId,
    token: sealLease(context.sealer, facts),
    jobId: job.jobId,
    units,
    params: sendsRule(job)
      ? null
      : [...fromRuns(units)].map((unit) => unitParams(job.document.units, unit)),
    expiresInMs: leaseDurationMs,
  };
}
